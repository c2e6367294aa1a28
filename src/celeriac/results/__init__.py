"""What the caller holds: results, and the ways to wait for them."""

from celeriac.results.async_result import AsyncResult, NoResultBackend
from celeriac.results.eager_result import EagerResult
from celeriac.results.graph import DependencyGraph
from celeriac.results.group_result import GroupResult
from celeriac.results.joining import allow_join_result, assert_will_not_block, denied_join_result
from celeriac.results.progress import Progress
from celeriac.results.result_set import ResultSet
from celeriac.results.tree import ResultBase, result_from_tuple

__all__ = [
    "AsyncResult",
    "DependencyGraph",
    "EagerResult",
    "GroupResult",
    "NoResultBackend",
    "Progress",
    "ResultBase",
    "ResultSet",
    "allow_join_result",
    "assert_will_not_block",
    "denied_join_result",
    "result_from_tuple",
]
