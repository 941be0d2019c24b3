"""Django REST framework: a ModelViewSet on a router, JWTs by djangorestframework-simplejwt, under gunicorn, with Django's connection pool.

https://www.django-rest-framework.org/tutorial/6-viewsets-and-routers/ and https://django-rest-framework-simplejwt.readthedocs.io/
"""

import os
import uuid
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    DEBUG=False,
    SECRET_KEY=os.environ["JWT_SECRET"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path[1:],
            "USER": url.username or parse_qs(url.query).get("user", [""])[0],
            "PASSWORD": url.password or "",
            "HOST": url.hostname or parse_qs(url.query).get("host", [""])[0],
            "PORT": url.port or parse_qs(url.query).get("port", [""])[0],
            "OPTIONS": {"pool": {"min_size": 4, "max_size": 10}},
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
        "PAGE_SIZE": 20,
        "UNAUTHENTICATED_USER": None,
    },
    SIMPLE_JWT={"USER_ID_CLAIM": "sub", "SIGNING_KEY": os.environ["JWT_SECRET"]},
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402


class Task(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.TextField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=1, editable=False)
    title = models.CharField(max_length=200)
    notes = models.TextField(null=True, blank=True)
    priority = models.TextField(choices=[("low", "low"), ("normal", "normal"), ("high", "high")], default="normal")
    completed = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, blank=True)
    estimate = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    progress = models.IntegerField(default=0)
    slug = models.CharField(max_length=80, null=True, blank=True)
    labels = ArrayField(models.TextField(), default=list, blank=True)
    links = ArrayField(models.TextField(), default=list, blank=True)
    checklist = models.JSONField(null=True, blank=True)
    reminder_time = models.TimeField(null=True, blank=True)
    project_id = models.UUIDField(null=True, blank=True)
    parent_id = models.UUIDField(null=True, blank=True)

    class Meta:
        app_label = "benchmark"
        db_table = "tasks"
        managed = False


class TaskSerializer(serializers.ModelSerializer):
    class Meta:
        model = Task
        fields = "__all__"


class TaskViewSet(viewsets.ModelViewSet):
    serializer_class = TaskSerializer

    def get_queryset(self):
        return Task.objects.filter(user_id=self.request.user.id).order_by("-created_at", "-id")

    def perform_create(self, serializer):
        serializer.save(user_id=self.request.user.id)


router = routers.SimpleRouter(trailing_slash=False)
router.register(r"api/(?P<user_id>[^/]+)/tasks", TaskViewSet, basename="task")
urlpatterns = router.urls
application = get_wsgi_application()
