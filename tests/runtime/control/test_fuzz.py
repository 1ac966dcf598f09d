"""A short run of schemathesis: nothing that the API's own description allows breaks it."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

ENDLESS = r".*stream\.mjpg"  # has a test of its own


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_server(line: Any, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{line.url}/api/v1/openapi.json")
    seen = set()
    for found in schema.exclude(path_regex=ENDLESS).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(
            max_examples=3,
            phases=[Phase.generate],
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            answer = case.call(timeout=60)
            case.validate_response(answer, checks=[not_a_server_error])
            assert answer.status_code < 400 or list(answer.json()) == ["error"]

        if mode is GenerationMode.POSITIVE or _can_be_wrong(operation):
            check()
        seen.add(operation.label)

    assert {"PATCH /api/v1/settings", "POST /api/v1/styles"} <= seen
    assert len(seen) == 13
    assert line.get("/api/v1/status")


def _can_be_wrong(operation: Any) -> bool:
    return any((operation.path_parameters, operation.query, operation.body))
