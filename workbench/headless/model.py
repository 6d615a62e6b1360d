"""Which model file is meant, and what is set for it."""

from __future__ import annotations

from workbench.engine.protocol import ModelSource
from workbench.headless.printing import tell
from workbench.models import library, marks
from workbench.parameters import presets
from workbench.parameters.kinds import Value, Values
from workbench.parameters.table import loading
from workbench.settings import config, paths


def source_of(model: str, values: Values) -> tuple[ModelSource, dict[str, Value]]:
    """The file that ``model`` names, and ``values`` over those of its own preset.

    Raises PresetError.
    """
    settings, complaints = config.load(paths.config_file())
    tell(complaints)
    file = library.resolve(model, settings.folders())
    values = {**presets.of_model(paths.presets(), file.stem), **values}
    marks.used_now(paths.model_marks(), file)
    return ModelSource.of(file, loading(values)), values
