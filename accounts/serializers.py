"""The bodies of the account endpoints."""

from typing import Any

from rest_framework import serializers

from jobs_platform.api.fields import StrictSerializer, Text, Whole

TOKEN_MAX = 4096
DEFAULT_DAYS = 90


class LoginBody(StrictSerializer):
    username = Text(max_length=150)
    password = Text(max_length=1024, raw=True)


class RefreshBody(StrictSerializer):
    refresh = Text(max_length=TOKEN_MAX)


class LogoutBody(StrictSerializer):
    refresh = Text(max_length=TOKEN_MAX, required=False)


class NewTokenBody(StrictSerializer):
    name = Text(max_length=128, trim_whitespace=True)
    expiresInDays = Whole(min_value=1, max_value=3650, default=DEFAULT_DAYS)


class TokenPairShape(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="Send it as Authorization: Bearer.")
    refresh = serializers.CharField(help_text="Works once; each refresh brings a new one.")
    expiresIn = serializers.IntegerField(help_text="Seconds until the access token expires.")


class MembershipShape(serializers.Serializer[Any]):
    projectId = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=["viewer", "member", "admin"])


class MeShape(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.CharField()
    isAdmin = serializers.BooleanField(help_text="May do everything, everywhere.")
    projects = MembershipShape(many=True)


class TokenShape(serializers.Serializer[Any]):
    tokenId = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True, help_text="To the hour.")


class TokensShape(serializers.Serializer[Any]):
    tokens = TokenShape(many=True)


class NewTokenShape(TokenShape):
    token = serializers.CharField(help_text="Shown this once.")
