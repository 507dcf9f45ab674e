"""What people read: the status, and reports of a day, a week or a month, as text, HTML and JSON.

Everything comes from the snapshot that the monitor publishes. ``gather`` reads it, ``document`` and the modules of its
sections calculate, ``drawing`` and ``page`` make a page of it, ``writing`` puts files in place.
"""
