"""The words of the design as values. numpy and the standard library only."""

from ._batch import (
    EMPTY_INDEX,
    MAX_OBJECT_BYTES,
    ExactBlock,
    ObjectSample,
    RowIndex,
    SampleBatch,
    seal,
)
from ._clock import Clock, ScaledClock, SystemClock, Timer
from ._command import Ack, AckState, Command, Verb, end_of_cut_off, new_key
from ._consent import Act, Say, Signature
from ._duration import parse_duration
from ._errors import (
    ConfigurationError,
    DeliveryError,
    DeniedError,
    DeviceError,
    ErrorSeverity,
    ExpiredError,
    Fault,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    OperationError,
    RefusedError,
    SerenoError,
)
from ._ids import GroupId, TagHandle, TagId, check_path, split_tag_path, suggest_segment, tag_id
from ._override import Override, OverrideKind
from ._present import object_value, row_value
from ._quality import Quality, is_good, reason, severity, worst
from ._spec import Access, Limits, Setpoint, TagSpec, ValueType, match_paths
from ._state import TRANSITIONS, LinkState, OperationalState, path_between

__all__ = [
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
