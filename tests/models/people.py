"""Classifiers as people write them, all on one fixed body: `-m people.py:NAME`, four colours or two."""

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

WIDTH = 6
TEMPLATES = torch.tensor([[2.0, -1, -1], [-1, 2, -1], [-1, -1, 2], [-0.6, -0.6, -0.6]])
"""What the logits of red, green, blue and dark make of the mean red, green and blue."""


def decide(layer, classes=4, scale=3.0):
    """Fill a layer with the templates: the three colours, and none of the three that follow."""
    with torch.no_grad():
        layer.weight.zero_()
        weight = TEMPLATES[:classes] if classes != 1 else TEMPLATES[1:2] - TEMPLATES[:1]
        layer.weight[: len(weight), :3] = scale * weight.reshape(
            *weight.shape, *[1] * (layer.weight.dim() - 2)
        )
        layer.weight[: len(weight), 3:] = 0.05
        if layer.bias is not None:
            layer.bias.zero_()
            layer.bias[0 if classes == 1 else 3] = 2.2 if classes == 1 else 1.4
    return layer


def linear(classes=4, bias=True):
    return decide(nn.Linear(WIDTH, classes, bias=bias), classes)


class Body(nn.Module):
    """Images [B,3,H,W] to the means of red, green, blue, and of what one exceeds the next by."""

    def __init__(self, pooled=True):
        super().__init__()
        self.conv, self.norm, self.pooled = (
            nn.Conv2d(3, WIDTH, 4, 4, bias=False),
            nn.BatchNorm2d(WIDTH),
            pooled,
        )
        rows = torch.eye(3)
        rows = torch.cat([rows, rows - rows.roll(1, 1)])
        self.conv.weight.data = rows[:, :, None, None].expand(-1, -1, 4, 4).clone() / 16

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        return x.mean((2, 3)) if self.pooled else x


class Small(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.body, self.head = Body(), head

    def forward(self, x):
        return self.head(self.body(x))


def plain():
    return Small(linear())


def bias_free():
    return Small(linear(bias=False))


def fastai_like():
    """The body, then a head of dropout, batch norms and linear layers, the last without bias."""
    norm = nn.BatchNorm1d(WIDTH)
    return nn.Sequential(Body(), nn.Sequential(nn.Flatten(), norm, nn.Dropout(0.5), linear(bias=False)))


class Neck(Small):
    """BNNeck of re-identification: a batch norm, then a layer without bias; features in training."""

    def __init__(self):
        super().__init__(linear(bias=False))
        self.neck = nn.BatchNorm1d(WIDTH)
        self.neck.bias.requires_grad_(False)

    def forward(self, x):
        z = self.body(x)
        logits = self.head(self.neck(z))
        return (logits, z) if self.training else logits


def bnneck():
    return Neck()


class Viewing(nn.Module):
    """`x.view(B, -1)`, which no channels-last tensor allows."""

    def __init__(self):
        super().__init__()
        self.body, self.fc = Body(pooled=False), nn.Linear(WIDTH * 256, 4)
        with torch.no_grad():
            spread = linear().weight[:, :, None].expand(-1, -1, 256) / 256
            self.fc.weight.copy_(spread.reshape(4, -1))
            self.fc.bias.copy_(linear().bias)

    def forward(self, x):
        x = self.body(x)
        return self.fc(x.view(x.size(0), -1))


def viewing():
    return Viewing()


class Twin(Small):
    """Two heads, averaged in evaluation, as distilled networks have them."""

    def __init__(self):
        super().__init__(linear())
        self.head_dist = decide(nn.Linear(WIDTH, 4), scale=2.0)

    def forward(self, x):
        z = self.body(x)
        one, other = self.head(z), self.head_dist(z**2)
        return (one, other) if self.training else (one + other) / 2


def two_heads():
    return Twin()


class Members(nn.Module):
    def __init__(self):
        super().__init__()
        self.models = nn.ModuleList([Small(linear()), Small(decide(nn.Linear(WIDTH, 4), scale=1.0))])

    def forward(self, x):
        return torch.stack([one(x) for one in self.models]).mean(0)


def ensemble():
    return Members()


class NoGrad(Small):
    def forward(self, x):
        with torch.no_grad():
            z = self.body(x)
        return self.head(z)


def no_grad():
    return NoGrad(linear())


class Inference(Small):
    @torch.inference_mode()
    def forward(self, x):
        return super().forward(x)


def inference_mode():
    return Inference(linear())


class Returning(Small):
    """Returns what `form` makes of features and logits."""

    def __init__(self, form, head=None):
        super().__init__(head or linear())
        self.form = form

    def forward(self, x):
        z = self.body(x)
        return self.form(z, self.head(z))


def tuple_last():
    return Returning(lambda z, y: (z, y))


def tuple_first():
    return Returning(lambda z, y: (y, z))


def dict_logits():
    return Returning(lambda z, y: {"loss": None, "logits": y})


def dict_pred():
    return Returning(lambda z, y: {"aux": z.mean(), "pred": y})


def nested():
    return Returning(lambda z, y: [{"out": (z, y)}])


def log_softmax():
    return Returning(lambda z, y: F.log_softmax(y, dim=1))


def softmax():
    return Returning(lambda z, y: y.softmax(1))


def temperature():
    return Returning(lambda z, y: y / 1.7)


def tempered_softmax():
    return Returning(lambda z, y: (y / 1.7).softmax(1))


def adjusted():
    """Logits moved by the log of how frequent the classes are."""
    prior = torch.tensor([0.4, 0.3, 0.2, 0.1])
    return Returning(lambda z, y: y - 0.3 * prior.log())


def sliced():
    return Returning(lambda z, y: y[:, :4], decide(nn.Linear(WIDTH, 20)))


def subset():
    """Four of twenty outputs, as ImageNet-R and ImageNet-A are read."""
    wide = nn.Linear(WIDTH, 20)
    chosen = [17, 3, 11, 8]
    with torch.no_grad():
        wide.weight[chosen], wide.bias[chosen] = linear().weight, linear().bias
    return Returning(lambda z, y: y[:, chosen], wide)


def norm_after():
    norm = nn.BatchNorm1d(4)
    norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
    norm.running_var.copy_(torch.tensor([1.0, 0.5, 2.0, 1.5]))
    return Small(nn.Sequential(linear(), norm))


def one_logit():
    return Small(linear(1))


def one_logit_flat():
    return Returning(lambda z, y: y.squeeze(1), linear(1))


def one_probability():
    return Returning(lambda z, y: y.sigmoid(), linear(1))


def weight_norm_old():
    return Small(nn.utils.weight_norm(linear()))


def weight_norm_new():
    return Small(parametrizations.weight_norm(linear()))


def spectral_norm():
    torch.manual_seed(0)
    return Small(parametrizations.spectral_norm(linear(), n_power_iterations=15))


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight

    def right_inverse(self, weight):
        return weight / 2


def parametrized():
    head = linear()
    nn.utils.parametrize.register_parametrization(head, "weight", Doubled())
    return Small(head)


class Cosine(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(linear().weight.detach().clone())
        self.scale = 16.0

    def forward(self, z):
        return self.scale * F.linear(F.normalize(z), F.normalize(self.weight))


def cosine():
    return Small(Cosine())


class CosineLinear(nn.Linear):
    def forward(self, z):
        return 16 * F.linear(F.normalize(z), F.normalize(self.weight))


def cosine_layer():
    return Small(decide(CosineLinear(WIDTH, 4, bias=False)))


class UnitInput(nn.Linear):
    """Reads features of unit length, as heads made of CLIP's texts do."""

    def forward(self, z):
        return super().forward(z / z.norm(dim=-1, keepdim=True))


def unit_input():
    return Small(decide(UnitInput(WIDTH, 4)))


class ZeroShot(nn.Module):
    """CLIP: unit image features times unit text features times a learnt scale."""

    def __init__(self):
        super().__init__()
        self.visual = Body()
        self.register_buffer("texts", F.normalize(linear().weight.detach(), dim=1))
        self.logit_scale = nn.Parameter(torch.tensor(2.66))

    def forward(self, x):
        return self.logit_scale.exp() * F.normalize(self.visual(x), dim=-1) @ self.texts.T


def zero_shot():
    return ZeroShot()


class Bare(nn.Module):
    """A weight and a bias without a layer: `x @ w + b`."""

    def __init__(self):
        super().__init__()
        self.body = Body()
        self.w, self.b = (
            nn.Parameter(linear().weight.detach().T.clone()),
            nn.Parameter(linear().bias.detach()),
        )

    def forward(self, x):
        return self.body(x) @ self.w + self.b


def bare():
    return Bare()


class Convolved(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = Body(pooled=False), decide(nn.Conv2d(WIDTH, 4, 1))

    def forward(self, x):
        return self.head(self.body(x)).mean((2, 3))


def convolved():
    return Convolved()


class ConvolvedMaximum(Convolved):
    def forward(self, x):
        return self.head(self.body(x)).amax((2, 3))


def convolved_maximum():
    return ConvolvedMaximum()


class Flipped(Small):
    """The mean over the image and its mirror image."""

    def forward(self, x):
        return (super().forward(x) + super().forward(x.flip(3))) / 2


def flipped():
    return Flipped(linear())


class Offset(Small):
    def forward(self, x):
        return self.head(self.body(x) + 2000)


def offset():
    head = linear(bias=False)
    made = Offset(nn.Linear(WIDTH, 4))
    with torch.no_grad():
        made.head.weight.copy_(head.weight)
        made.head.bias.copy_(linear().bias - 2000 * head.weight.sum(1))
    return made


class Normed(Small):
    """Pixels are normalised inside."""

    def __init__(self):
        super().__init__(linear())
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.1))
        self.register_buffer("relative", torch.zeros(1, 2, 3, 4, 5))

    def forward(self, x):
        return super().forward(x - self.mean)


def normed():
    return Normed()


class Dropping(Small):
    def forward(self, x):
        return self.head(F.dropout(self.body(x), 0.5))


def dropping():
    return Dropping(linear())


class Autocasting(Small):
    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(x)


def autocasting():
    return Autocasting(linear())


def half():
    return plain().half()


def data_parallel():
    return nn.DataParallel(plain())


def compiled():
    return torch.compile(plain())


def averaged():
    return torch.optim.swa_utils.AveragedModel(plain())


def printing():
    print("loading the model …")
    print("to stderr", file=sys.stderr)
    return plain()


def needing(num_classes, pretrained):
    return Small(linear(num_classes))


def scripted():
    return torch.jit.script(plain().eval())


def traced():
    return torch.jit.trace(plain().eval(), torch.zeros(1, 3, 64, 64))


def graph():
    import torch.fx

    return torch.fx.symbolic_trace(plain())


def quantized():
    return torch.ao.quantization.quantize_dynamic(plain().eval(), {nn.Linear}, dtype=torch.qint8)


def hidden_layer():
    """Decides behind a hidden layer."""
    hidden = nn.Linear(WIDTH, WIDTH)
    with torch.no_grad():
        hidden.weight.copy_(torch.eye(WIDTH))
        hidden.bias.zero_()
    return Small(nn.Sequential(nn.LayerNorm(WIDTH), hidden, nn.GELU(), nn.Dropout(), linear(), nn.Dropout()))


def rectified():
    """No linear decision: negative logits are cut off."""
    return Small(nn.Sequential(linear(), nn.ReLU(inplace=True)))
