"""Writes offline.json beside this file. `python make_offline.py`

Three updates of each learner from recorded transitions, written as in its paper and differentiated by autograd, with plain gradient
descent. Networks have one hidden layer of hyperbolic tangents; their parameters are named as in potstill's checkpoints, and lie as
there: a row for each input, then the biases. Normal numbers are Box and Muller's, from NumPy's PCG64.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from common import flat, integers, normal, single, write

FEATURES, WIDTH, CHOICES, UNITS, ROWS, UPDATES = 3, 2, 3, 4, 6, 3
RATES = {"policy": 0.05, "critic": 0.1}
TAU = 0.25


class Stream:
    def __init__(self, seed):
        self.numbers = np.random.Generator(np.random.PCG64(seed))

    def normal(self, *shape):
        pairs = self.numbers.random((math.prod(shape), 2))
        radius = np.sqrt(-2 * np.log(1 - pairs[:, 0]))
        return torch.from_numpy(radius * np.cos(2 * np.pi * pairs[:, 1])).view(*shape)

    def uniform(self, *shape):
        return torch.from_numpy(2 * self.numbers.random(shape) - 1)


class Net:
    """Heads one after the other, then free parameters."""

    def __init__(self, inputs, *heads, free=0):
        sizes = [(inputs, UNITS)] + [(UNITS, head) for head in heads]
        self.layers = [(normal(i, o, scale=0.7), normal(o, scale=0.3)) for i, o in sizes]
        self.free = [normal(free, scale=0.5)] if free else []

    def parameters(self):
        return [p for layer in self.layers for p in layer] + self.free

    def numbers(self):
        return torch.cat([p.flatten() for p in self.parameters()])

    def __call__(self, *x):
        (w, b), *heads = self.layers
        hidden = torch.tanh(torch.cat(x, 1) @ w + b)
        outputs = [hidden @ w + b for w, b in heads]
        return outputs if len(outputs) > 1 else outputs[0]

    def copy(self):
        other = Net.__new__(Net)
        other.layers = [(w.clone(), b.clone()) for w, b in self.layers]
        other.free = [p.clone() for p in self.free]
        return other

    def follow(self, net):
        for mine, its in zip(self.parameters(), net.parameters()):
            mine.copy_(TAU * its + (1 - TAU) * mine)


def descend(rate, loss, *nets):
    """A gradient step along a function of nothing; the loss before it."""
    parameters = [p for net in nets for p in (net.parameters() if isinstance(net, Net) else [net])]
    for p in parameters:
        p.requires_grad_(True)
    value = loss()
    gradients = torch.autograd.grad(value, parameters, allow_unused=True)
    for p, g in zip(parameters, gradients):
        p.requires_grad_(False)
        if g is not None:
            p.sub_(rate * g)
    return value.item()


def at(values, actions):
    return values.gather(1, actions[:, None])[:, 0]


def regression(delta):
    return F.mse_loss if delta == 0 else lambda q, y: F.huber_loss(q, y, delta=delta)


def q(net, s, a):
    return net(s, a)[:, 0]


class Cql:
    def __init__(self, alpha=1.0, delta=1.0, double=False):
        self.alpha, self.delta, self.double = alpha, delta, double
        self.net = Net(FEATURES, CHOICES)
        self.target = Net(FEATURES, CHOICES)

    def named(self):
        return {"values/network": self.net, "target/copy": self.target}

    def update(self, s, a, r, d, s2):
        chooser = self.net if self.double else self.target
        y = r + d * at(self.target(s2), chooser(s2).argmax(1))

        def loss():
            values = self.net(s)
            gap = (values.logsumexp(1) - at(values, a)).mean()
            return regression(self.delta)(at(values, a), y) + self.alpha * gap

        descend(RATES["critic"], loss, self.net)
        self.target.follow(self.net)


class Bcq:
    def __init__(self, threshold=0.3, penalty=0.01, delta=1.0):
        self.threshold, self.penalty, self.delta = threshold, penalty, delta
        self.net = Net(FEATURES, 2 * CHOICES)
        self.target = Net(FEATURES, 2 * CHOICES)

    def named(self):
        return {"network/network": self.net, "target/copy": self.target}

    def update(self, s, a, r, d, s2):
        values, logits = self.net(s2)[:, ::2], self.net(s2)[:, 1::2]
        g = logits.softmax(1)
        allowed = g / g.amax(1, keepdim=True) >= self.threshold
        choice = values.masked_fill(~allowed, -math.inf).argmax(1)
        y = r + d * at(self.target(s2)[:, ::2], choice)

        def loss():
            out = self.net(s)
            values, logits = out[:, ::2], out[:, 1::2]
            of_values = regression(self.delta)(at(values, a), y)
            return of_values + F.cross_entropy(logits, a) + self.penalty * (logits**2).mean()

        descend(RATES["critic"], loss, self.net)
        self.target.follow(self.net)


class Iql:
    def __init__(self, box, expectile=0.7, beta=3.0, weight_max=100.0, deterministic=False):
        self.box, self.expectile, self.beta, self.weight_max = box, expectile, beta, weight_max
        self.deterministic = deterministic
        ends = (FEATURES + WIDTH, 1) if box else (FEATURES, CHOICES)
        self.critics = [Net(*ends), Net(*ends)]
        self.targets = [Net(*ends), Net(*ends)]
        self.value = Net(FEATURES, 1)
        free = WIDTH if box and not deterministic else 0
        self.policy = Net(FEATURES, WIDTH if box else CHOICES, free=free)

    def named(self):
        names = {"policy/policy/network": self.policy, "value/network": self.value}
        for i in (0, 1):
            of = f"critics/critic-{i}/network" if self.box else f"critics/critic-{i}/values/network"
            copy = f"critics/target-{i}/copy" if self.box else f"critics/critic-{i}/target/copy"
            names |= {of: self.critics[i], copy: self.targets[i]}
        return names

    def q(self, net, s, a):
        return q(net, s, a) if self.box else at(net(s), a)

    def imitation(self, s, a, w):
        out = self.policy(s)
        if not self.box:
            return (w * F.cross_entropy(out, a, reduction="none")).mean()
        mean = out.tanh()
        if self.deterministic:
            return (w * ((mean - a) ** 2).mean(1)).mean()
        std = self.policy.free[0].clamp(-5, 2).exp()
        return -(w * torch.distributions.Normal(mean, std).log_prob(a).sum(1)).mean()

    def update(self, s, a, r, d, s2):
        least = torch.minimum(*(self.q(t, s, a) for t in self.targets))

        def of_value():
            u = least - self.value(s)[:, 0]
            return ((self.expectile - (u < 0).double()).abs() * u**2).mean()

        descend(RATES["critic"], of_value, self.value)
        w = (self.beta * (least - self.value(s)[:, 0])).exp().clamp(max=self.weight_max)
        descend(RATES["policy"], lambda: self.imitation(s, a, w), self.policy)
        y = r + d * self.value(s2)[:, 0]
        losses = lambda: sum(F.mse_loss(self.q(c, s, a), y) for c in self.critics)
        descend(RATES["critic"], losses, *self.critics)
        for target, critic in zip(self.targets, self.critics):
            target.follow(critic)


class ActorCritic:
    def __init__(self, seed, *heads):
        self.policy = Net(FEATURES, *heads)
        self.critics = [Net(FEATURES + WIDTH, 1), Net(FEATURES + WIDTH, 1)]
        self.targets = [Net(FEATURES + WIDTH, 1), Net(FEATURES + WIDTH, 1)]
        self.seed, self.stream, self.updates = seed, Stream(seed), 0

    def named(self):
        names = {"policy": self.policy}
        for i in (0, 1):
            names |= {f"critic-{i}/network": self.critics[i], f"target-{i}/copy": self.targets[i]}
        return names

    def least(self, nets, s, a):
        return torch.minimum(*(q(net, s, a) for net in nets))

    def follow(self):
        for target, critic in zip(self.targets, self.critics):
            target.follow(critic)


class Td3Bc(ActorCritic):
    def __init__(self, seed, alpha=2.5, delay=2, noise=0.2, clip=0.5):
        super().__init__(seed, WIDTH)
        self.alpha, self.delay, self.noise, self.clip = alpha, delay, noise, clip
        self.policy_target = Net(FEATURES, WIDTH)

    def named(self):
        return super().named() | {"policy_target/copy": self.policy_target}

    def streams(self):
        return {"smoothing": self.seed}

    def next_actions(self, s2):
        noise = (self.noise * self.stream.normal(ROWS, WIDTH)).clamp(-self.clip, self.clip)
        return (self.policy_target(s2).tanh() + noise).clamp(-1, 1)

    def penalty(self, a2, recorded, has):
        return 0.0

    def policy_loss(self, s, a):
        pi = self.policy(s).tanh()
        value = q(self.critics[0], s, pi)
        return ((pi - a) ** 2).mean() - self.alpha / value.abs().mean().detach() * value.mean()

    def update(self, s, a, r, d, s2, recorded, has):
        a2 = self.next_actions(s2)
        y = r + d * (self.least(self.targets, s2, a2) - self.penalty(a2, recorded, has))
        losses = lambda: sum(F.mse_loss(q(c, s, a), y) for c in self.critics)
        descend(RATES["critic"], losses, *self.critics)
        self.updates += 1
        if self.updates % self.delay == 0:
            descend(RATES["policy"], lambda: self.policy_loss(s, a), self.policy)
            self.follow()
            self.policy_target.follow(self.policy)


class Rebrac(Td3Bc):
    def __init__(self, seed, actor_bc, critic_bc):
        super().__init__(seed)
        self.actor_bc, self.critic_bc = actor_bc, critic_bc

    def penalty(self, a2, recorded, has):
        return self.critic_bc * has * ((a2 - recorded) ** 2).sum(1)

    def policy_loss(self, s, a):
        pi = self.policy(s).tanh()
        value = self.least(self.critics, s, pi)
        distance = ((pi - a) ** 2).sum(1)
        return (self.actor_bc * distance).mean() - value.mean() / value.abs().mean().detach()


class ControlCql(ActorCritic):
    def __init__(self, seed, n, alpha=5.0, threshold=None, temperature=None):
        super().__init__(seed, WIDTH, WIDTH)
        self.n, self.alpha, self.threshold = n, alpha, threshold
        self.fixed, self.log_temperature, self.log_multiplier = temperature, torch.zeros(1), torch.zeros(1)
        self.uniform = Stream(seed + 1)

    def named(self):
        names = super().named()
        if self.fixed is None:
            names["temperature"] = self.log_temperature
        if self.threshold is not None:
            names["multiplier"] = self.log_multiplier
        return names

    def streams(self):
        return {"drawing": self.seed, "uniform": self.seed + 1}

    def draw(self, s, noise):
        mean, log_std = self.policy(s)
        of = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp())
        u = mean + of.stddev * single(noise)
        a = u.tanh()
        return a, (of.log_prob(u) - torch.log(1 - a**2)).sum(1)

    def sampled(self, s, s2):
        """Uniform ones, those of the policy here, and there; `rows x (3 n)`."""
        actions, logs = [], []
        repeat = lambda x: x.repeat_interleave(self.n, 0)
        here = self.draw(repeat(s), self.stream.normal(ROWS * self.n, WIDTH))
        even = single(self.uniform.uniform(ROWS * self.n, WIDTH))
        there = self.draw(repeat(s2), self.stream.normal(ROWS * self.n, WIDTH))
        density = torch.full((ROWS * self.n,), WIDTH * math.log(0.5))
        for a, log in ((even, density), here, there):
            actions.append(a.view(ROWS, self.n, WIDTH))
            logs.append(log.view(ROWS, self.n))
        return torch.cat(actions, 1), torch.cat(logs, 1)

    def gap(self, net, s, a, actions, logs):
        count = actions.shape[1]
        values = q(net, s.repeat_interleave(count, 0), actions.reshape(-1, WIDTH)).view(ROWS, count)
        return ((values - logs).logsumexp(1) - q(net, s, a)).mean()

    def update(self, s, a, r, d, s2):
        noise = self.stream.normal(ROWS, WIDTH)
        temperature = self.log_temperature.exp().item() if self.fixed is None else self.fixed
        if self.fixed is None:
            log = self.draw(s, noise)[1].mean()
            descend(RATES["policy"], lambda: -(self.log_temperature * (log - WIDTH)).sum(), self.log_temperature)
        y = r + d * self.least(self.targets, s2, self.draw(s2, self.stream.normal(ROWS, WIDTH))[0])
        actions, logs = self.sampled(s, s2)
        factor = self.log_multiplier.exp().item()
        gaps = [self.gap(c, s, a, actions, logs) for c in self.critics]

        def losses():
            of = (F.mse_loss(q(c, s, a), y) for c in self.critics)
            gap = sum(self.gap(c, s, a, actions, logs) for c in self.critics)
            return sum(of) + self.alpha * factor * gap

        descend(RATES["critic"], losses, *self.critics)
        if self.threshold is not None:
            excess = sum(gaps) / 2 - self.threshold
            dual = lambda: -(self.log_multiplier.exp() * self.alpha * excess).sum()
            descend(RATES["policy"], dual, self.log_multiplier)

        def of_policy():
            action, log = self.draw(s, noise)
            return (temperature * log - self.least(self.critics, s, action)).mean()

        descend(RATES["policy"], of_policy, self.policy)
        self.follow()


CASES = [
    ("cql", "choices", "", lambda: Cql()),
    ("cql", "choices", "cql_alpha=0.5 huber_delta=0 double=true", lambda: Cql(0.5, 0, True)),
    ("bcq", "choices", "", lambda: Bcq()),
    ("bcq", "choices", "threshold=0.8 logit_penalty=0.5 huber_delta=0", lambda: Bcq(0.8, 0.5, 0)),
    ("iql", "choices", "", lambda: Iql(False)),
    ("iql", "box", "expectile=0.9 beta=10.0 weight_max=2.0", lambda: Iql(True, 0.9, 10, 2)),
    ("iql", "box", "deterministic=true", lambda: Iql(True, deterministic=True)),
    ("td3-bc", "box", "", lambda: Td3Bc(11)),
    ("td3-bc", "box", "alpha=1.0 policy_delay=1 target_noise=0.5 target_noise_clip=0.3", lambda: Td3Bc(12, 1, 1, 0.5, 0.3)),
    ("rebrac", "box", "actor_bc=0.4 critic_bc=0.7 critic_net_arch=mlp:4:tanh", lambda: Rebrac(13, 0.4, 0.7)),
    ("cql", "box", "n_actions=4", lambda: ControlCql(14, 4)),
    ("cql", "box", "n_actions=2 cql_alpha=0.5 ent_coef=0.3", lambda: ControlCql(15, 2, 0.5, temperature=0.3)),
    ("cql", "box", "n_actions=3 cql_alpha=2.0 cql_threshold=1.5", lambda: ControlCql(16, 3, 2.0, 1.5)),
]


def short(tensor):
    """The shortest decimals of the same numbers in single precision."""
    return [float(str(np.float32(x))) for x in flat(tensor)]


def numbers(learner):
    parts = learner.named().items()
    return {name: short(part.numbers() if isinstance(part, Net) else part) for name, part in parts}


def case(algorithm, actions, settings, make):
    learner = make()
    s, s2, r = normal(ROWS, FEATURES), normal(ROWS, FEATURES), normal(ROWS)
    a = integers(CHOICES, ROWS) if actions == "choices" else single(normal(ROWS, WIDTH).tanh())
    d = single(torch.tensor([0.9] * (ROWS - 1) + [0.0]))
    recorded, has = single(normal(ROWS, WIDTH).tanh()), torch.tensor([1.0, 1, 0, 1, 1, 0])
    before = numbers(learner)
    for _ in range(UPDATES):
        rest = (recorded, has) if isinstance(learner, Td3Bc) else ()
        learner.update(s, a, r, d, s2, *rest)
    batch = dict(observations=s, actions=a, returns=r, discounts=d, next_observations=s2, next_actions=recorded, has_next_action=has)
    return dict(
        algorithm=algorithm,
        actions=actions,
        settings=f"net_arch=mlp:{UNITS}:tanh tau={TAU} {settings}",
        rates=RATES,
        updates=UPDATES,
        streams=learner.streams() if isinstance(learner, ActorCritic) else {},
        batch={key: short(value) for key, value in batch.items()},
        before=before,
        after=numbers(learner),
    )


write("offline.json", 90_000, cases=[case(*c) for c in CASES])
