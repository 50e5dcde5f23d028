//! The ten ways in which roles and buckets let others in, each found with its cause.
