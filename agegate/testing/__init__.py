"""For a host's own tests: is the table of accounts guarded, and does every path that makes an account ask?

`assert_guarded` tries each way in which SQLAlchemy and the driver can insert an account, without an admission,
and lists those that got through. `assert_paths_refuse` calls a project's own paths with a child's answers and
counts the rows of every table. `admitted` lets a test make accounts the right way. Names that begin with `a`
are for coroutines and async engines.
"""

from agegate.testing.paths import aassert_paths_refuse, admitted, adult, assert_paths_refuse, child
from agegate.testing.ways import Way, aassert_guarded, assert_guarded, aways, ways

__all__ = [
    "Way",
    "aassert_guarded",
    "aassert_paths_refuse",
    "admitted",
    "adult",
    "assert_guarded",
    "assert_paths_refuse",
    "aways",
    "child",
    "ways",
]
