# At the arrival of the customer who came second.
break BoxOffice::Book
continue
reprise where
next 3
print seats_.holders_
