# From the first exchange on: who gives a connection back that has an answer in it which nobody read?
break RedisPool::Return if redis->reader->pos < redis->reader->len
continue
reprise where
print redis->reader->buf + redis->reader->pos
up
print answer.status
