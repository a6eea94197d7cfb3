"""Notices between processes."""

from typing import Final

CHANNEL: Final = "kiwisms"
LISTEN: Final = f"LISTEN {CHANNEL}"

# A notice need not be on the disk.
NOTIFY: Final = f"""
SELECT set_config('synchronous_commit', 'off', true), pg_notify('{CHANNEL}', payload)
FROM unnest(%s::text[]) AS payload
"""
