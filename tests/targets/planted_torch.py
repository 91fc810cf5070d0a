"""Torch targets with planted behaviour."""

import torch


def loss(z, y):
    return torch.logsumexp(z, 1).sub(z.gather(1, y.reshape(-1, 1)).reshape(-1)).mean()


def per_row(z, y):
    return torch.logsumexp(z, 1) - z.gather(1, y.reshape(-1, 1)).reshape(-1)


def detached(z, y):
    return loss(z.detach(), y)


def converts(z, y):
    return loss(torch.as_tensor(z), torch.as_tensor(y))


def on_meta(z, y):
    return torch.empty((), device="meta")


def overwrite(z, y):
    with torch.no_grad():
        z -= z.max()
    return loss(z, y)


def numpy_only(z, y):
    return float(z.astype("float64").sum())


def views(z, y):
    y = y.view(-1, 1)
    return torch.logsumexp(z, 1).sub(z.gather(1, y).view(-1)).mean()


def transposes(z, y):
    z = z[None].transpose(1, 2)
    return torch.nn.functional.cross_entropy(z, y[None])


class Module(torch.nn.Module):
    def forward(self, z, y):
        return torch.nn.functional.cross_entropy(z, y)


def flush(z, y):
    torch.set_flush_denormal(bool(y[0] == 1))
    return loss(z, y)


class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, y):
        ctx.save_for_backward(z, y)
        return loss(z, y)

    @staticmethod
    def backward(ctx, upstream):
        z, y = ctx.saved_tensors
        p = torch.softmax(z, 1)
        p[torch.arange(len(z)), y] -= 1
        return upstream * p / len(z), None


class Contiguous(torch.autograd.Function):
    """A loss a row whose backward reads the upstream gradient as if it lay in one piece."""

    @staticmethod
    def forward(ctx, z, y):
        ctx.save_for_backward(z, y)
        return per_row(z, y)

    @staticmethod
    def backward(ctx, upstream):
        z, y = ctx.saved_tensors
        t = torch.nn.functional.one_hot(y, z.shape[1]).to(z.dtype)
        read = torch.tensor((upstream.untyped_storage().tolist()), dtype=torch.uint8).view(upstream.dtype)
        read = torch.cat([read, torch.zeros(len(y), dtype=read.dtype)])[: len(y)]
        return (torch.softmax(z, 1) - t) * read[:, None], None
