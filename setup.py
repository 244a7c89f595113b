"""The build steps that pyproject.toml cannot say: one native extension, and the protos' Python code."""

import os
import shutil
import sysconfig
from pathlib import Path

import grpc_tools
from Cython.Build import cythonize
from grpc_tools import protoc
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
CORE = "src_ext/_core.pyx"


def compile_protos(target: Path) -> None:
    """Write the Python code and stubs of every proto file below `target`."""
    protos = sorted(path.relative_to(ROOT / "protos").as_posix() for path in (ROOT / "protos").rglob("*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    outputs = [f"--{output}_out={target}" for output in ("python", "grpc_python", "mypy", "mypy_grpc")]
    # An environment that is used by its path, without being activated, has no place in PATH.
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")))
    plugins = [
        f"--plugin={name}={shutil.which(name, path=places)}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
    ]
    if protoc.main(["protoc", f"-I{ROOT / 'protos'}", f"-I{well_known}", *plugins, *outputs, *protos]) != 0:
        raise RuntimeError("protoc failed")


class BuildWithProtos(build_py):
    """Compiles the protos into the package: in place for an editable install, else into the build."""

    def run(self) -> None:
        super().run()
        target = ROOT if self.editable_mode else Path(self.build_lib)
        target.mkdir(parents=True, exist_ok=True)
        compile_protos(target)


class BuildNative(build_ext):
    """Cythonizes first, and only where a build was asked for."""

    def finalize_options(self) -> None:
        self.distribution.ext_modules = cythonize(self.distribution.ext_modules, language_level=3)
        super().finalize_options()


core = Extension(
    "hashmatch._core",
    [
        CORE,
        *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src_ext").glob("*.cpp") if path.stem != "_core"),
    ],
    depends=[
        path.relative_to(ROOT).as_posix() for suffix in ("h", "inl") for path in (ROOT / "src_ext").glob(f"*.{suffix}")
    ],
    include_dirs=["src_ext"],
    language="c++",
    # No contraction: a fused multiply-add rounds once instead of twice, and a hash must not depend on the CPU.
    extra_compile_args=["-std=c++17", "-O3", "-g0", "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wno-psabi"],
)
setup(
    ext_modules=[core],
    cmdclass={"build_py": BuildWithProtos, "build_ext": BuildNative},
    options={"build_ext": {"parallel": os.cpu_count()}},
)
