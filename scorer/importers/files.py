"""Which importer takes a model or a file of one."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile

from scorer.errors import NotImportable, SettingsError
from scorer.importers.parts import Source

FILES = {".skops": "sklearn", ".json": "xgboost", ".ubj": "xgboost", ".txt": "lightgbm", ".csv": "table"}
"""The importer of a file, by the end of its name."""

PICKLES = (".pkl", ".pickle", ".joblib")

PACKAGES = {"sklearn": "scikit-learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "skops": "skops"}
"""What to install for an import of a module."""

HARMLESS = (
    "functools.partial",  # of functions that are on a list themselves
    "numpy.dtype",
    "scorer.importers.sklearn.dates.DateParts",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.model_selection._classification_threshold._CurveScorer",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)
"""Types that skops does not trust by itself, but that estimators which can be imported are made of."""


def source(model: object, *, allow_pickle: bool, trust: Sequence[str]) -> Source:
    """The source that ``model`` is: a source already, a path, or an object of a library.

    Raises ``NotImportable`` for what no importer takes, and ``SettingsError`` where the library is not installed.
    """
    if isinstance(model, Source):
        return model
    if isinstance(model, str | Path):
        return _file(Path(model), allow_pickle=allow_pickle, trust=trust)
    return _object(model)


def _object(model: object) -> Source:
    library = type(model).__module__.partition(".")[0]
    if library in ("xgboost", "lightgbm"):
        return _made_by(library, model)
    if hasattr(model, "get_params"):  # whatever else: custom classes in a pipeline are refused where they stand
        _needs("sklearn")
        from scorer.importers.sklearn.source import SklearnSource  # noqa: PLC0415 - behind its extra

        return SklearnSource(model)
    raise NotImportable(
        f"{type(model).__module__}.{type(model).__qualname__}",
        "it is no model of scikit-learn, XGBoost or LightGBM",
        "import one of these, or its coefficients as a table (CSV: term, estimate)",
    )


def _file(path: Path, *, allow_pickle: bool, trust: Sequence[str]) -> Source:
    if not path.is_file():
        raise SettingsError(f"{path} is not there, or no file")
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        return _object(_unpickled(path, allow_pickle=allow_pickle))
    if suffix not in FILES:
        raise NotImportable(
            path.name,
            f"its name ends in {suffix or 'nothing'}, which is the form of no model",
            "save it as .skops (scikit-learn), .json or .ubj (XGBoost), .txt (LightGBM) or .csv (a table)",
        )
    if suffix == ".skops":
        return _object(_skops(path, trust))
    return _made_by(FILES[suffix], path)


def _made_by(library: str, model: object) -> Source:
    if library in PACKAGES:
        _needs(library)
    found: Source = import_module(f"scorer.importers.{library}").source(model)
    return found


def _needs(module: str) -> None:
    if find_spec(module) is None:
        raise SettingsError(f"this needs {PACKAGES[module]}: install scorer-monitor[{module}]")


def _skops(path: Path, trust: Sequence[str]) -> object:
    """A skops file, whose types are all known or trusted by name: nothing else is built."""
    _needs("skops")
    from skops import io  # noqa: PLC0415 - behind its extra

    try:
        trusted = [*HARMLESS, *trust]
        strange = [name for name in io.get_untrusted_types(file=path) if name not in trusted]
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise NotImportable(path.name, f"it is no file of skops: {error}", "write it with skops.io.dump") from None
    if strange:
        raise NotImportable(
            path.name,
            f"it holds {', '.join(strange)}, which a file could use to run code",
            "say that you trust each of them by name (--trust), if you know them",
        )
    found: object = io.load(path, trusted=trusted)
    return found


def _unpickled(path: Path, *, allow_pickle: bool) -> object:
    if not allow_pickle:
        raise NotImportable(
            path.name,
            "a pickle runs whatever code its author put into it",
            "save the model with skops.io.dump, or say --allow-pickle where you made the file yourself",
        )
    import pickle  # noqa: PLC0415 - only where it was allowed by name

    try:
        if path.suffix.lower() == ".joblib":
            _needs("sklearn")
            import joblib  # noqa: PLC0415 - comes with scikit-learn

            loaded: object = joblib.load(path)
            return loaded
        with path.open("rb") as file:
            unpickled: object = pickle.load(file)  # noqa: S301 - it was allowed by name
    except (pickle.UnpicklingError, EOFError, ImportError, AttributeError, LookupError, ValueError, TypeError) as error:
        raise NotImportable(
            path.name,
            f"it cannot be unpickled: {type(error).__name__}: {error}",
            "dump it anew, in an environment with the packages of this one and all classes that are in it",
        ) from None
    return unpickled
