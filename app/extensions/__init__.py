"""What this project adds to the generated API: this file is yours, and Rowsmith never changes it."""

from fastapi import FastAPI


def setup(app: FastAPI) -> None:
    """Add routers and middleware of your own to `app`; called once, after the generated routes were added."""
