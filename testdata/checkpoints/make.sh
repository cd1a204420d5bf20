#!/usr/bin/env bash
# Makes the runs of the present format: killed in the middle of a change to the disk, some checkpoints in.
# Use: testdata/checkpoints/make.sh target/release/potstill format-1
set -euo pipefail
potstill=$(realpath "$1")
mkdir -p "$(dirname "$0")/$2" && cd "$(dirname "$0")/$2"

killed() { # name, change to be killed in, arguments
    local name=$1 change=$2
    shift 2
    rm -rf "$name"
    POTSTILL_PAUSE_AT=$change "$potstill" "$@" --out "$name" 2>"$name.err" &
    local process=$!
    until grep -q paused "$name.err"; do sleep 0.05; done
    kill -9 "$process"
    wait "$process" || true
    # What names this machine's process, and what a later start would sweep away anyway.
    : >"$name/run.lock"
    rm -rf "$name.err" "$name"/.*.tmp "$name"/checkpoints/.*.tmp
}

killed q-learning 40 train q-learning --env CliffWalking-v1 --episodes 60 --seed 1 \
    --set checkpoint_freq=500 --set checkpoints_kept=1
killed dqn 45 train dqn --env CartPole-v1 --steps 1500 --seed 1 --set net_arch=mlp:4 --set buffer_size=64 \
    --set learning_starts=100 --set train_freq=8 --set gradient_steps=2 --set checkpoint_freq=300 \
    --set checkpoints_kept=1 --set eval_freq=500 --set eval_episodes=2
killed classifier 30 train classifier --data digits --seed 1 --set net_arch=mlp:4 --set epochs=4 \
    --set test_samples=1700 --set batch_size=8 --set checkpoint_freq=10 --set checkpoints_kept=1
