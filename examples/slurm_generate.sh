#!/usr/bin/env bash
# One data set by many tasks of a SLURM array: each writes a shard, and one job merges them.
#
#   shards=32
#   id=$(sbatch --parsable --array=0-$((shards - 1)) examples/slurm_generate.sh \
#        runs/mine 100000 /scratch/streets $shards --format webdataset)
#   sbatch --dependency=afterok:$id --wrap "metasim merge /scratch/streets/shard-* -o /scratch/streets/whole"
#
# A task that was stopped goes on where it stopped when it is given again, alone too: --array=7.
#SBATCH --job-name=metasim
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail

run=$1 frames=$2 folder=$3 shards=$4
shift 4
# Not SLURM_ARRAY_TASK_COUNT: that is 1 when one task is given again alone.
part=$SLURM_ARRAY_TASK_ID

exec metasim generate "$run" -n "$frames" --shard "$part/$shards" \
    -o "$folder/shard-$(printf %05d "$part")" --workers "${SLURM_CPUS_PER_TASK:-1}" "$@"
