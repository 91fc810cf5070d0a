"""How a script calls a loss of a framework and has it differentiated, as somebody who uses it would write it."""

from __future__ import annotations

from dataclasses import dataclass

from xentcheck.batches.layout import LAYOUTS


@dataclass(frozen=True)
class Idiom:
    """The lines that a framework needs.

    Parameters
    ----------
    imports : str
        Import statements, and settings.
    array : str
        Makes an array of the framework's own of the nested list {values} in {dtype}; "" where it is made of a numpy
        array.
    wrap, wrap_bfloat16 : str
        Make one of the numpy array {array} of {dtype}, or of bfloat16, where that is another way.
    layouts : tuple of str
        Those that such an array keeps of numpy's, as the framework is called by xentcheck.
    leaf : str
        A statement that makes the scores something that is differentiated by, from {scores}, under the name z.
    gradient : str
        Statements that leave the gradient of the sum in `returned`, from {call}, which reads z.
    upstream : str
        The same of the sum of the losses times the numpy array `upstream`, with {gaps} where those statements go; ""
        where the script calls the target as xentcheck does, as with those that follow.
    gaps : str
        Statements that have an upstream gradient of some rows lie in memory as xentcheck hands it on.
    again : str
        Statements that leave how far two gradients of the same graph are apart, for `upstream`.
    hessian_vector : str
        Statements that leave the second derivative of the sum times the array `direction` of the framework's own.
    jvp : str
        Statements that leave the derivative of {call} along `direction` by forward mode.
    read : str
        Makes a numpy array of numbers of float64 of `returned`.
    number : str
        Makes a number of Python of an element "{}".
    """

    imports: str = ""
    array: str = ""
    wrap: str = "{array}"
    wrap_bfloat16: str = ""
    layouts: tuple[str, ...] = ()
    leaf: str = "z = {scores}"
    gradient: str = ""
    upstream: str = ""
    gaps: str = ""
    again: str = ""
    hessian_vector: str = ""
    jvp: str = ""
    read: str = "np.asarray(returned).astype(np.float64)"
    number: str = "float({})"


IDIOMS = {
    "numpy": Idiom(layouts=LAYOUTS),
    "torch": Idiom(
        imports="import torch\n",
        array="torch.tensor({values}, dtype=torch.{dtype})",
        wrap="torch.from_numpy({array})",
        wrap_bfloat16="torch.from_numpy({array}.astype(np.float32)).bfloat16()",
        layouts=("F", "strided", "broadcast"),
        leaf="z = {scores}.requires_grad_()",
        gradient="{call}.sum().backward()\nreturned = z.grad",
        upstream=(
            "loss = {call}\n"
            "upstream = torch.from_numpy(upstream.reshape(loss.shape)).to(loss.dtype)\n"
            "{gaps}returned = torch.autograd.grad(loss, z, upstream)[0]"
        ),
        gaps=(
            "# with gaps in memory, as that of loss[::2]\n"
            "upstream = torch.stack([upstream, torch.full_like(upstream, torch.nan)], -1)[..., 0]\n"
        ),
        again=(
            "loss = {call}\n"
            "upstream = torch.from_numpy(upstream.reshape(loss.shape)).to(loss.dtype)\n"
            "first = torch.autograd.grad(loss, z, upstream, retain_graph=True)[0].clone()\n"
            "second = torch.autograd.grad(loss, z, upstream)[0]  # of the same graph\n"
            "returned = (first - second).abs().max()"
        ),
        hessian_vector=(
            "slope = torch.autograd.grad({call}.sum(), z, create_graph=True)[0]\n"
            "returned = torch.autograd.grad(slope, z, direction)[0]"
        ),
        jvp=(
            "from torch.autograd import forward_ad\n\n"
            "with forward_ad.dual_level():\n"
            "    z = forward_ad.make_dual(z.detach(), direction)\n"
            "    returned = forward_ad.unpack_dual({call}).tangent"
        ),
        read="returned.detach().double().numpy()",
    ),
    "jax": Idiom(
        imports='import jax\nimport jax.numpy as jnp\n\njax.config.update("jax_enable_x64", True)\n',
        array="jnp.array({values}, jnp.{dtype})",
        wrap="jnp.asarray({array})",
        gradient="returned = jax.grad(lambda z: {call}.sum())(z)",
        upstream=(
            "loss, pull = jax.vjp(lambda z: {call}, z)\n"
            "returned = pull(jnp.asarray(upstream.reshape(loss.shape), loss.dtype))[0]"
        ),
        hessian_vector="returned = jax.jvp(jax.grad(lambda z: {call}.sum()), (z,), (direction,))[1]",
        jvp="returned = jax.jvp(lambda z: {call}, (z,), (direction,))[1]",
    ),
    "mlx": Idiom(
        imports="import mlx.core as mx\n\nmx.set_default_device(mx.cpu)\n",
        array="mx.array({values}, dtype=mx.{dtype})",
        wrap="mx.array({array}, dtype=mx.{dtype})",
        wrap_bfloat16="mx.array({array}.astype(np.float32)).astype(mx.bfloat16)",
        gradient="returned = mx.grad(lambda z: {call}.sum())(z)",
        read="np.array(returned.astype(mx.float64))",
    ),
    "mygrad": Idiom(
        imports="import mygrad as mg\n",
        leaf="z = mg.tensor({scores})",
        gradient="{call}.sum().backward()\nreturned = z.grad",
        read="np.asarray(getattr(returned, 'data', returned)).astype(np.float64)",
    ),
    "paddle": Idiom(
        imports='import paddle\n\npaddle.set_device("cpu")\n',
        array='paddle.to_tensor({values}, dtype="{dtype}")',
        wrap="paddle.to_tensor({array})",
        wrap_bfloat16='paddle.to_tensor({array}.astype(np.float32)).astype("bfloat16")',
        leaf="z = {scores}\nz.stop_gradient = False",
        gradient="{call}.sum().backward()\nreturned = z.grad",
        read="returned.numpy().astype(np.float64)",
    ),
    "tinygrad": Idiom(
        imports='import os\n\nos.environ.setdefault("DEV", "CPU")\nfrom tinygrad import Tensor\n',
        array='Tensor({values}, dtype="{dtype}")',
        wrap="Tensor({array})",
        wrap_bfloat16='Tensor({array}.astype(np.float32)).cast("bfloat16")',
        gradient="returned = {call}.sum().gradient(z)[0]",
        read="returned.numpy().astype(np.float64)",
        number="float({}.numpy())",
    ),
    "tensorflow": Idiom(
        imports="import tensorflow as tf\n",
        array="tf.constant({values}, tf.{dtype})",
        wrap="tf.constant({array})",
        gradient=(
            "with tf.GradientTape() as tape:\n    tape.watch(z)\n    value = {call}\nreturned = tape.gradient(value, z)"
        ),
        read="tf.cast(returned, tf.float64).numpy()",
    ),
}
"""Of frameworks that are not here a script calls the target as xentcheck does."""
