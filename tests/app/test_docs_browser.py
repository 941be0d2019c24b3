"""/docs in a real browser: authorize with a token, read and write a row, reload. Needs a Chromium, and `make browser`."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Api
from tests.support.tokens import new_user

playwright: Any = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (make browser)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]


@pytest.fixture
def page(tmp_path: Path) -> Generator[Any]:
    """A page of a browser with a profile of its own."""
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            headless=True,
            args=[*QUIET, "--disable-sync"],
            viewport={"width": 1280, "height": 1000},
        )
        try:
            yield context.pages[0]
        finally:
            context.close()


def execute(page: Any, operation: str) -> str:
    """Press Execute in an operation that is open; the status of the answer."""
    block = page.locator(f"#operations-tags-{operation}")
    block.locator(".execute").click()
    return block.locator(".live-responses-table tbody .response-col_status").inner_text().split()[0]


def test_the_docs_work_in_a_browser(api: Api, page: Any) -> None:
    user = new_user()
    requests: list[str] = []
    problems: list[str] = []

    def on_console(message: Any) -> None:
        if message.type == "error":
            problems.append(message.text)

    def on_request(request: Any) -> None:
        requests.append(request.url)

    page.on("request", on_request)
    page.on("console", on_console)

    page.goto(f"{api.url}/docs")
    page.locator("#operations-tags-list_tags").wait_for()
    assert page.title() == "Rowsmith API"
    page.locator("button.authorize").click()
    page.locator(".modal-ux input").fill(api.token_for(user))
    page.locator(".modal-ux button.authorize").click()
    page.locator(".modal-ux .btn-done").click()

    page.locator("#operations-tags-create_tag .opblock-summary").click()
    block = page.locator("#operations-tags-create_tag")
    assert block.locator("input[placeholder=user_id]").input_value() == user  # from the token
    block.locator("textarea").fill('{"name": "from the browser"}')
    assert execute(page, "create_tag") == "201"

    page.locator("#operations-tags-list_tags .opblock-summary").click()
    assert execute(page, "list_tags") == "200"
    assert "from the browser" in page.locator("#operations-tags-list_tags .live-responses-table").inner_text()
    assert api.call(user, "GET", f"/api/{user}/tags").json()["items"][0]["name"] == "from the browser"

    assert not problems
    assert all(url.startswith((api.url, "data:")) for url in requests)

    page.goto(f"{api.url}/docs")
    page.locator("#operations-tags-list_tags .opblock-summary").click()
    assert page.locator("#operations-tags-list_tags input[placeholder=user_id]").input_value() == user
    assert execute(page, "list_tags") == "200"  # the browser kept the token
