// Sums over rows in blocks of columns: included as kernels.inl is, by every file that has an `add_rows`.

// Adds the columns [begin, end): those that fill no vector.
inline void add_columns(const Taps& taps, size_t begin, size_t end, bool add, int32_t* sums) {
    for (size_t x = begin; x < end; x++) {
        int32_t sum = add ? sums[x] : 0;
        for (int k = 0; k < taps.count; k++) sum += taps.weight[k] * taps.row[k][x];
        sums[x] = sum;
    }
}

// Calls block(x, add, sums) for each kBlock columns; the last block overlaps the one before where it must.
template <size_t kBlock, class Block>
inline void add_blocks(const Taps& taps, size_t width, bool add, int32_t* sums, Block block) {
    if (width < kBlock) return add_columns(taps, 0, width, add, sums);
    size_t x = 0;
    for (; x + kBlock <= width; x += kBlock) block(x, add, sums + x);
    if (x == width) return;
    int32_t last[kBlock];
    block(width - kBlock, false, last);
    for (; x < width; x++) sums[x] = (add ? sums[x] : 0) + last[x - (width - kBlock)];
}
