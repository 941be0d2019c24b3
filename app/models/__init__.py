"""The tables. Generated: run `rowsmith generate`."""

from app.models.comment import Comment
from app.models.project import Project
from app.models.tag import Tag
from app.models.task import Task
from app.models.task_tag import TaskTag

__all__ = [
    "Comment",
    "Project",
    "Tag",
    "Task",
    "TaskTag",
]
