"""The code that computes a run's weights, as a digest: with other code the same recipe may give other bytes."""

import ast
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPUTING = (
    "core/image_shape.py",
    "models/augment.py",
    "models/dcgan.py",
    "models/image_layers.py",
    "models/one_channel_products.py",
    "models/sampling.py",  # the latents that BatchNorm is measured on
    "worker/training/adam.py",
    "worker/training/cuda_graph.py",
    "worker/training/data.py",
    "worker/training/ema.py",
    "worker/training/epoch_end.py",
    "worker/training/fast_discriminator.py",
    "worker/training/finite.py",
    "worker/training/gan.py",
    "worker/training/loop.py",
    "worker/training/losses.py",
    "worker/training/means.py",
    "worker/training/precision.py",
    "worker/training/rollback.py",
)


def code_digest(root: Path = ROOT, names: Iterable[str] = COMPUTING) -> str:
    """SHA-256 of the names of some files under `root` and of their code, without comments, docstrings and layout."""
    digest = sha256()
    for name in names:
        code = ast.dump(_without_docstrings(ast.parse((root / name).read_bytes()))).encode()
        digest.update(f"{name}\0{len(code)}\0".encode() + code)
    return digest.hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(ast.Constant(str())), *rest]:
                    node.body = rest
    return tree
