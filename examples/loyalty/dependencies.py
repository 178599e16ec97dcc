"""What the loyalty service depends on: a redis-server with the customers and their visits."""

from typing import Optional

from examples.redis_server import RedisServer

CARDS = {"c-1": "Ann", "c-2": "Bob", "c-3": "Cyd", "c-4": "Dan", "c-5": "Eve", "c-6": "Fay"}
VISITS_SO_FAR = {card: number for number, card in enumerate(CARDS, 1)}


class Dependencies:
    """A context manager; all of it runs from construction to stop().

    Attributes:
        environment: variables that point the service here.
    """

    def __init__(self, closed_card: Optional[str] = "c-4"):
        """`closed_card`: the card of one who is no customer any more."""
        self._redis = RedisServer()
        self.environment = {"REDIS_PORT": str(self._redis.port)}
        customers = {card: name for card, name in CARDS.items() if card != closed_card}
        self._redis.run(*(f"SET name:{card} {name}" for card, name in customers.items()),
                        *(f"SET visits:{card} {visits}" for card, visits in VISITS_SO_FAR.items()))

    def stop(self):
        self._redis.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
