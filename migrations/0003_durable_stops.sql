-- A stop holds from the moment it is decided, also where the program ends before the run's host was told.
ALTER TABLE heartbeat_runs ADD COLUMN cancel_requested_at INTEGER;
ALTER TABLE heartbeat_runs ADD COLUMN cancel_reason TEXT;
