"""Broken projects and what the compiler says about them: a case for every diagnostic code.

A case is a folder tests/errors/CODE_what_is_wrong/ with the specs (resources/*.yaml) and the expected text (expected.txt). To add one,
write the specs, run `pytest tests/errors --update`, and read the text that it wrote as a user would: does it say what is wrong, where,
and what to do? What cannot be a file in a repository (a named pipe, a foreign link, a drifted app/) is built by a test in test_files.py
or test_drift.py, which asserts the code.
"""
