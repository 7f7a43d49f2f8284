//! How full the disk is.

/// Share of the disk that is used, as `df` tells it; 0 when it cannot be told.
pub fn used_percent(folder: &std::path::Path) -> u8 {
    let Ok(stat) = nix::sys::statvfs::statvfs(folder) else { return 0 };
    percent(stat.blocks(), stat.blocks_free(), stat.blocks_available())
}

/// What is kept back for root counts neither as used nor as free: nobody else can write there.
fn percent(blocks: u64, free: u64, available: u64) -> u8 {
    let used = u128::from(blocks.saturating_sub(free));
    let usable = used + u128::from(available);
    u8::try_from((used * 100).div_ceil(usable.max(1))).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn the_share_of_the_disk_is_what_df_says() {
        assert_eq!(percent(1000, 1000, 950), 0);
        assert_eq!(percent(1000, 320, 110), 87, "680 used, 110 to be had, 210 kept back");
        assert_eq!(percent(1000, 50, 0), 100);
        assert_eq!(percent(0, 0, 0), 0);
    }
}
