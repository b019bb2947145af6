import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0003_kubernetes_pools"),
    ]

    operations = [
        migrations.CreateModel(
            name="TerminalServer",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("address", models.CharField(max_length=255, verbose_name="address")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started")),
                ("beat_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last seen")),
            ],
            options={
                "verbose_name": "terminal server",
                "verbose_name_plural": "terminal servers",
            },
        ),
        migrations.AddField(
            model_name="terminalsession",
            name="detached_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="disconnected"),
        ),
        migrations.AddField(
            model_name="terminalsession",
            name="end_request",
            field=models.CharField(blank=True, default="", editable=False, max_length=16),
        ),
        migrations.AddField(
            model_name="terminalsession",
            name="watchable",
            field=models.BooleanField(default=False, verbose_name="may be watched"),
        ),
        migrations.AddField(
            model_name="terminalticket",
            name="session",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tickets",
                to="jobs.terminalsession",
            ),
        ),
        migrations.AddField(
            model_name="terminalticket",
            name="watch",
            field=models.BooleanField(default=False, verbose_name="read-only"),
        ),
        migrations.AlterField(
            model_name="terminalsession",
            name="ended_at",
            field=models.DateTimeField(blank=True, db_index=True, null=True, verbose_name="ended"),
        ),
        migrations.AddField(
            model_name="terminalsession",
            name="server",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="sessions",
                to="jobs.terminalserver",
                verbose_name="server",
            ),
        ),
    ]
