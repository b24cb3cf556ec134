"""The three documented routes of the integration guide. They share the service with the form."""

from __future__ import annotations

from quart import Blueprint, Response

from portal.accounts.gate import principal
from portal.connectors import registry
from portal.connectors.findings import ConnectionTest
from portal.foundation.errors import Invalid, Permanent
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import json_answer
from portal.foundation.web.policy import SUPERADMIN, Doc, route
from portal.foundation.web.requests import parse_json, parse_query
from portal.stores import service as stores
from portal.superadmin.schemas import (
    CreatedClient,
    CreatedClientBody,
    FirstSync,
    NewClientBody,
    NoQuery,
    PlatformBody,
    PlatformField,
    PlatformPermission,
    PlatformsBody,
    TestAnswer,
    TestBody,
    as_answer,
    as_credentials,
)
from portal.superadmin.service import Created, NewClient, check_platform, create_client

blueprint = Blueprint("superadmin_api", __name__)

_CREDENTIALS = {
    "site_url": "https://mystore.com",
    "consumer_key": "ck_your_key",
    "consumer_secret": "cs_your_secret",
    "api_version": "wc/v3",
}


@route(
    blueprint,
    "/api/superadmin/clients/api-integration",
    roles=SUPERADMIN,
    family="test",
    methods=("POST",),
    doc=Doc(
        summary="Create a client with a store connection",
        description="The connection is tested first; a failed test answers 422 with the platform's advice and creates nothing.",
        body=NewClientBody,
        response=CreatedClientBody,
        status=201,
        tag="Superadmin",
        body_example={
            "company_name": "Example Lamps",
            "email": "owner@lamps.example",
            "invite": True,
            "platform_type": "woocommerce",
            "connection_name": "Main store",
            "credentials": _CREDENTIALS,
            "sync_frequency": "hourly",
        },
    ),
)
async def create_client_with_integration() -> Response:
    body = await parse_json(NewClientBody)
    new = NewClient(
        company_name=body.company_name,
        email=body.email,
        password=body.password or "",
        invite=body.invite,
        platform=body.platform_type or "none",
        connection_name=body.connection_name,
        credentials=as_credentials(body.credentials),
        frequency=body.sync_frequency,
    )
    try:
        made = await create_client(runtime(), principal(), new)
    except Permanent as error:
        if isinstance(test := error.details.get("connection_test"), ConnectionTest):
            error.details["connection_test"] = as_answer(test)
        raise
    return json_answer(CreatedClientBody(success=True, data=_wire(made)), 201)


@route(
    blueprint,
    "/api/superadmin/api-platforms",
    roles=SUPERADMIN,
    family="admin",
    doc=Doc(summary="Platforms and the fields of their forms", response=PlatformsBody, tag="Superadmin"),
)
async def api_platforms() -> Response:
    parse_query(NoQuery)
    return json_answer(PlatformsBody(platforms=[_platform(manifest.platform) for manifest in registry.manifests()]))


@route(
    blueprint,
    "/api/superadmin/test-api-connection",
    roles=SUPERADMIN,
    family="test",
    methods=("POST",),
    doc=Doc(
        summary="Test the credentials of a store",
        description="Answers 200 with the findings, also when the store refuses: `success` says how it went.",
        body=TestBody,
        response=TestAnswer,
        tag="Superadmin",
        body_example={"platform_type": "woocommerce", "credentials": _CREDENTIALS},
    ),
)
async def test_api_connection() -> Response:
    body = await parse_json(TestBody)
    if wrong := check_platform(body.platform_type):
        raise Invalid("Please check the platform.", wrong)
    credentials = stores.validate_credentials(body.platform_type, as_credentials(body.credentials))
    return json_answer(as_answer(await stores.test_credentials(runtime(), body.platform_type, credentials)))


def _wire(made: Created) -> CreatedClient:
    if made.connection_id is None or made.test is None or made.run is None:
        raise RuntimeError("this route always connects a store")
    return CreatedClient(
        client_id=made.org_id,
        user_id=made.user_id,
        connection_id=made.connection_id,
        connection_test=as_answer(made.test),
        first_sync=FirstSync(id=made.run[0], status=made.run[1]),
        invitation_url=made.invitation_url,
    )


def _platform(name: str) -> PlatformBody:
    manifest = registry.manifest(name)
    return PlatformBody(
        platform=manifest.platform,
        label=manifest.label,
        fields=[
            PlatformField(**{part: getattr(field, part) for part in PlatformField.__struct_fields__})
            for field in manifest.fields
        ],
        permissions=[
            PlatformPermission(**{part: getattr(p, part) for part in PlatformPermission.__struct_fields__})
            for p in manifest.permissions
        ],
        rate_limit=manifest.rate_limit.text,
        data_types=list(manifest.data_types),
        docs_url=manifest.docs_url,
    )
