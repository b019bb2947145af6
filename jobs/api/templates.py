"""/api/job-templates: create bodies kept under a name."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import job_templates
from jobs.api.normalisation import normalise
from jobs.api.serializers import CreateBody
from jobs.api.viewsets import origin_of
from jobs.models import JobTemplate
from jobs_platform.api.envelope import show_time
from jobs_platform.api.fields import StrictSerializer, Text
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiViewSet

TAG = "Templates"
SPEC = {"jobName": "mnist", "image": "registry/image:tag", "command": ["python", "train.py"]}


class TemplateBody(StrictSerializer):
    name = Text(max_length=128, trim_whitespace=True)
    spec = CreateBody()


class TemplateShape(serializers.Serializer[Any]):
    templateId = serializers.IntegerField()
    name = serializers.CharField()
    projectId = serializers.CharField(help_text="Whose members see it.")
    owner = serializers.CharField(allow_null=True)
    spec = serializers.DictField(help_text="A body for POST /api/jobs/create, without the values of secrets.")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class TemplatesShape(serializers.Serializer[Any]):
    templates = TemplateShape(many=True, help_text="By name.")


BODY = TemplateBody()


class TemplateViewSet(ApiViewSet):
    @documented(
        Operation(id="listTemplates", tag=TAG, summary="The templates of my projects", data=TemplatesShape)
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return answer({"templates": [show(template) for template in job_templates.listed(self.actor)]})

    @documented(
        Operation(
            id="createTemplate",
            tag=TAG,
            summary="Keep a create body as a template of its project; the values of secrets are not kept",
            body=TemplateBody,
            data=TemplateShape,
            status=201,
            errors=("VALIDATION_ERROR", "PERMISSION_DENIED", "PROJECT_NOT_FOUND", "TEMPLATE_EXISTS"),
            example={"name": "mnist", "spec": SPEC},
        )
    )
    def create(self, request: Request) -> Response:
        made = job_templates.create(actor=self.actor, **read(request), origin=origin_of(request))
        return answer(show(made), status=201)

    @documented(
        Operation(
            id="getTemplate", tag=TAG, summary="A template", data=TemplateShape, errors=("TEMPLATE_NOT_FOUND",),
        )
    )  # fmt: skip
    def retrieve(self, request: Request, template_id: str) -> Response:
        return answer(show(job_templates.find(actor=self.actor, pk=template_id)))

    @documented(
        Operation(
            id="changeTemplate",
            tag=TAG,
            summary="Replace a template's name and specification; it stays in its project",
            body=TemplateBody,
            data=TemplateShape,
            errors=("VALIDATION_ERROR", "PERMISSION_DENIED", "TEMPLATE_NOT_FOUND", "TEMPLATE_EXISTS"),
        )
    )
    def update(self, request: Request, template_id: str) -> Response:
        origin = origin_of(request)
        return answer(show(job_templates.change(actor=self.actor, pk=template_id, **read(request), origin=origin)))

    @documented(
        Operation(
            id="deleteTemplate", tag=TAG, summary="Delete a template", message=True,
            errors=("PERMISSION_DENIED", "TEMPLATE_NOT_FOUND"),
        )
    )  # fmt: skip
    def destroy(self, request: Request, template_id: str) -> Response:
        job_templates.delete(actor=self.actor, pk=template_id, origin=origin_of(request))
        return answer(message=_("Template deleted"))


def read(request: Request) -> dict[str, Any]:
    body = BODY.read(request.data)
    return {"name": body["name"], "spec": normalise(body["spec"]).config}


def show(template: JobTemplate) -> dict[str, Any]:
    return {
        "templateId": template.pk,
        "name": template.name,
        "projectId": template.project.slug,
        "owner": template.owner.username if template.owner else None,
        "spec": template.spec,
        "createdAt": show_time(template.created_at),
        "updatedAt": show_time(template.updated_at),
    }
