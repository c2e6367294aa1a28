"""Real workers on throw-away projects: what the integration, fault and interop tests stand on.

``Project`` is a folder with a task module of its own embedded file; ``WorkerProcess`` a worker started on it through the command line;
``Ledger`` what its tasks wrote down while they ran. Every process carries a marker in its environment, so that whatever a test leaves behind
is found and ended, and nothing else.
"""
