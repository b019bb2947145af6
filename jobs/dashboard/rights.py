"""What the reader may do, read once a page: which buttons to show. The services check again."""

from accounts.models import Project, User
from accounts.roles import Right, Role, may, may_control
from jobs.models import Job, JobTemplate


class Rights:
    def __init__(self, user: User) -> None:
        self.user = user
        self.roles: dict[int, Role] = (
            {}
            if user.is_superuser
            else {project: Role(role) for project, role in user.memberships.values_list("project_id", "role")}
        )

    def role_in(self, project_id: int) -> Role | None:
        return Role.ADMIN if self.user.is_superuser else self.roles.get(project_id)

    def may_control(self, job: Job) -> bool:
        return may_control(self.role_in(job.project_id), owns=job.owner_id == self.user.pk)

    def may_control_template(self, template: JobTemplate) -> bool:
        return may_control(self.role_in(template.project_id), owns=template.owner_id == self.user.pk)

    @property
    def may_submit(self) -> bool:
        """In one project at least."""
        return self.user.is_superuser or any(may(role, Right.SUBMIT) for role in self.roles.values())

    def projects_to_submit_to(self) -> list[Project]:
        projects = Project.objects.order_by("slug")
        if not self.user.is_superuser:
            projects = projects.filter(pk__in=[key for key, role in self.roles.items() if may(role, Right.SUBMIT)])
        return list(projects)
