"""Exchanges: the hash lists of other organisations, fetched into banks through the threatexchange library.

`fetching` is one fetch from beginning to end, `apis` the interfaces; each of these is one module that knows one
service. Needs the extra `exchanges`.
"""

from hashmatch.exchange.apis import API_NAMES, Api, api_named
from hashmatch.exchange.credentials import Secret
from hashmatch.exchange.fetching import Fetch

__all__ = ["API_NAMES", "Api", "Fetch", "Secret", "api_named"]
