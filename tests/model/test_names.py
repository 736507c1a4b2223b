from __future__ import annotations

import subprocess
import sys

import sereno.model


# long: one line for each name
def test_public_names_are_these() -> None:
    assert sereno.model.__all__ == [
        "EMPTY_INDEX",
        "MAX_OBJECT_BYTES",
        "TRANSITIONS",
        "Access",
        "Ack",
        "AckState",
        "Act",
        "Clock",
        "Command",
        "ConfigurationError",
        "DeliveryError",
        "DeniedError",
        "DeviceError",
        "ErrorSeverity",
        "ExactBlock",
        "ExpiredError",
        "Fault",
        "GroupId",
        "Limits",
        "LinkState",
        "Marks",
        "NoAnswerError",
        "NotConnectedError",
        "NotFoundError",
        "ObjectSample",
        "OperationError",
        "OperationalState",
        "Override",
        "OverrideKind",
        "Quality",
        "RefusedError",
        "RowIndex",
        "SampleBatch",
        "Say",
        "ScaledClock",
        "SerenoError",
        "Setpoint",
        "Signature",
        "Subject",
        "SystemClock",
        "TagHandle",
        "TagId",
        "TagSpec",
        "Timer",
        "ValueType",
        "Verb",
        "check_path",
        "end_of_cut_off",
        "is_good",
        "match_paths",
        "new_key",
        "object_value",
        "parse_duration",
        "path_between",
        "reason",
        "row_value",
        "seal",
        "severity",
        "split_tag_path",
        "suggest_segment",
        "tag_id",
        "worst",
    ]
    assert all(hasattr(sereno.model, name) for name in sereno.model.__all__)


def test_the_model_needs_numpy_and_the_standard_library_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import sereno.model;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "['numpy', 'sereno']\n"
