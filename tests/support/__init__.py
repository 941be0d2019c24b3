"""What the tests of the served application build on.

`database`: databases with the example's tables; `serving`: the application in a process of its own, with tokens; `resources`: the example's
resources as data, so that one test asks the same of each. The fixtures of tests/conftest.py hand them out.
"""
