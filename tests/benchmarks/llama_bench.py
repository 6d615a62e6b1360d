"""llama.cpp's own benchmarks, built from the sources that the binding was built from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.settings import N_BATCH, N_UBATCH, Job, Samples


def program(folder: Path, name: str = "llama-bench") -> Path:
    """A program of llama.cpp's in ``folder``, built if it is not there.

    Needs pip (or uv) and cmake.
    """
    release = f"llama_cpp_python-{version('llama-cpp-python')}"
    build = folder / f"llama-bench-{release}"
    built = build / "bin" / name
    if not built.exists():
        sources = folder / release / "vendor" / "llama.cpp"
        if not sources.is_dir():
            _download(folder)
        # GGML_NATIVE and the other choices of code stay at their defaults, as in the binding.
        configure = ["-S", str(sources), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release"]
        flags = ["-DBUILD_SHARED_LIBS=ON", "-DLLAMA_CURL=OFF", "-DLLAMA_BUILD_TESTS=OFF"]
        flags += ["-DLLAMA_BUILD_UI=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF"]
        subprocess.run(["cmake", *configure, *flags], check=True)
        jobs = str(os.cpu_count() or 1)
        subprocess.run(
            ["cmake", "--build", build, "--target", name, "--parallel", jobs], check=True
        )
    return built


def speed(bench: Path, job: Job) -> Samples:
    """Prompt and generation as llama-bench measures them, each after its own warm-up."""
    command = [
        str(bench),
        "--model",
        str(job.file),
        "--threads",
        str(job.threads),
        "--output",
        "json",
    ]
    command += ["--n-prompt", str(job.n_prompt), "--n-gen", str(job.n_answer)]
    command += ["--repetitions", str(job.repetitions), "--n-gpu-layers", "0"]
    command += ["--batch-size", str(N_BATCH), "--ubatch-size", str(N_UBATCH)]
    command += ["--flash-attn", "auto", "--load-mode", "auto"]
    command += ["--cache-type-k", "f16", "--cache-type-v", "f16"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    prompt, generation = json.loads(answer.stdout)
    assert prompt["n_prompt"] == job.n_prompt
    assert generation["n_gen"] == job.n_answer
    return Samples(prompt=prompt["samples_ts"], generation=generation["samples_ts"])


def _download(folder: Path) -> None:
    """The binding's source distribution, unpacked; pip brings it from wherever it is set to."""
    pip = [sys.executable, "-m", "pip"]
    if find_spec("pip") is None:
        pip = [shutil.which("uv") or "uv", "run", "--no-project", "--with", "pip", *pip[1:]]
        pip.insert(-2, "python")
    wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", folder, wanted],
        check=True,
    )
    [archive] = folder.glob(f"llama_cpp_python-{version('llama-cpp-python')}.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
