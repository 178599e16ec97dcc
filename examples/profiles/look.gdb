# At the arrival of the request whose profile is kept for ever.
shell date --utc
break SecondsLeft
continue
reprise where
next 2
print (token.expires.__d.__r - now.__d.__r) / 1e6
finish
