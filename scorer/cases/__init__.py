"""The regression test of a version: rows with known outcomes, and a labelled sample that must meet the requirements.

They lie beside the version, in ``cases/``, and are no part of it: they may grow while the version stays as it is.
"""
