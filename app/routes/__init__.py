"""The routers. Generated: run `rowsmith generate`."""

from fastapi import APIRouter

from app.routes import comments, projects, tags, task_tags, tasks

routers: tuple[APIRouter, ...] = (
    comments.router,
    comments.nested,
    projects.router,
    tags.router,
    task_tags.router,
    task_tags.nested,
    tasks.router,
    tasks.nested,
)

ON_DEMAND: dict[str, tuple[str, ...]] = {}
"""The modules of further routers by the segment of their paths; they are imported when one of these is first asked for."""
