"""Where this site comes from: settings, tables, and how to make it again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.methods import Network, networks
from pipeline.report.results import Results


@dataclass(frozen=True)
class OriginPage:
    """All that a reader needs to make this site again."""

    settings: Mapping[str, Any]  # by dotted key
    networks: Sequence[Network]
    data: Sequence[str]


def origin_page(results: Results) -> OriginPage:
    """Every resolved setting, and every table."""
    settings = results.params.model_dump(mode="json")
    return OriginPage(
        settings=dict(flat(settings)),
        networks=networks(results.metrics),
        data=results.data,
    )


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted key; an empty mapping is "family's defaults"."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
