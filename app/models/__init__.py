"""The tables. Generated: run `rowsmith generate`."""

from app.models.comment import Comment
from app.models.project import Project
from app.models.tag import Tag
from app.models.task import Task
from app.models.task_tag import TaskTag

__all__ = [
    "TABLE_MODULES",
    "Comment",
    "Project",
    "Tag",
    "Task",
    "TaskTag",
]

TABLE_MODULES = {
    "comments": "app.models.comment",
    "projects": "app.models.project",
    "tags": "app.models.tag",
    "task_tags": "app.models.task_tag",
    "tasks": "app.models.task",
}
"""The modules of the tables, by their names in the database."""
