//! States and their values: a hash table of short keys over records of one size.

/// Words a chunk, about.
const CHUNK: usize = 1 << 17;

/// A map from keys to values, each of a fixed number of words.
pub(super) struct Store {
    key: usize,
    record: usize,
    /// The logarithm of the records a chunk.
    shift: u32,
    /// Records: the key, then the value. In chunks, so that growing copies nothing
    /// and reading can free.
    chunks: Vec<Vec<u64>>,
    len: usize,
    /// 32 bits of the hash, then the record's number plus one; 0 where there is none.
    table: Vec<u64>,
}

impl Store {
    pub(super) fn new(key: usize, value: usize) -> Self {
        let record = key + value;
        Store {
            key,
            record,
            shift: (CHUNK / record).max(1).next_power_of_two().ilog2(),
            chunks: Vec::new(),
            len: 0,
            table: vec![0; 64],
        }
    }

    /// Bytes in use, the table as it is while it grows.
    pub(super) fn bytes(&self) -> u64 {
        let chunk = self.len.clamp(1, 1 << self.shift) * self.record;
        ((self.chunks.len() * chunk + self.table.len() * 3 / 2) * 8) as u64
    }

    /// Whether the records can soon no longer be numbered.
    pub(super) fn is_full(&self) -> bool {
        self.len >= u32::MAX as usize / 2
    }

    /// Hands the value of every key of the batch to `change`, zero when the key is
    /// new, and empties the batch.
    ///
    /// Nearly every look-up misses the cache. So all places of the table are read
    /// first, then a word of each record, so that the processor waits for many at
    /// once.
    pub(super) fn change<S: Copy>(
        &mut self,
        batch: &mut Batch<S>,
        mut change: impl FnMut(&mut [u64], S),
    ) {
        let mask = self.table.len() - 1;
        let mut seen = 0;
        for (place, hash) in batch.found.iter_mut().zip(&batch.hashes) {
            *place = self.table[*hash as usize & mask];
        }
        for &found in &batch.found[..batch.hashes.len()] {
            if found != 0 {
                let (chunk, start) = self.locate(found);
                let record = &self.chunks[chunk][start..start + self.record];
                seen ^= record[0] ^ record[self.record - 1];
            }
        }
        std::hint::black_box(seen);
        for (k, (&hash, &source)) in batch.hashes.iter().zip(&batch.sources).enumerate() {
            let key = &batch.keys[k * self.key..(k + 1) * self.key];
            change(self.entry(key, hash), source);
        }
        batch.hashes.clear();
        batch.sources.clear();
    }

    #[inline]
    fn locate(&self, found: u64) -> (usize, usize) {
        let number = (found as u32 - 1) as usize;
        let start = (number & ((1 << self.shift) - 1)) * self.record;
        (number >> self.shift, start)
    }

    #[inline]
    fn entry(&mut self, key: &[u64], hash: u32) -> &mut [u64] {
        let mask = self.table.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let found = self.table[place];
            if found == 0 {
                break;
            }
            if (found >> 32) as u32 == hash {
                let (chunk, start) = self.locate(found);
                let record = &self.chunks[chunk][start..start + self.key];
                if record.iter().zip(key).all(|(a, b)| a == b) {
                    let range = start + self.key..start + self.record;
                    return &mut self.chunks[chunk][range];
                }
            }
            place = (place + 1) & mask;
        }
        self.insert(place, hash, key)
    }

    fn insert(&mut self, place: usize, hash: u32, key: &[u64]) -> &mut [u64] {
        if self.len & ((1 << self.shift) - 1) == 0 {
            self.chunks.push(Vec::new());
        }
        self.len += 1;
        self.table[place] = (hash as u64) << 32 | self.len as u64;
        if self.len * 2 > self.table.len() {
            self.grow();
        }
        let chunk = self.chunks.last_mut().expect("one was pushed");
        chunk.extend_from_slice(key);
        let start = chunk.len();
        chunk.resize(start + self.record - self.key, 0);
        &mut chunk[start..]
    }

    #[cold]
    fn grow(&mut self) {
        let len = self.table.len() * 2;
        let old = std::mem::replace(&mut self.table, vec![0; len]);
        for entry in old.into_iter().filter(|&entry| entry != 0) {
            let mut place = (entry >> 32) as usize & (len - 1);
            while self.table[place] != 0 {
                place = (place + 1) & (len - 1);
            }
            self.table[place] = entry;
        }
    }

    /// The records, a chunk at a time; each is freed when the next is taken.
    pub(super) fn into_chunks(self) -> Chunks {
        Chunks {
            key: self.key,
            record: self.record,
            chunks: self.chunks.into_iter(),
        }
    }
}

pub(super) struct Chunks {
    key: usize,
    record: usize,
    chunks: std::vec::IntoIter<Vec<u64>>,
}

impl Chunks {
    /// Bytes of the chunks not yet taken.
    pub(super) fn bytes(&self) -> u64 {
        let words = self.chunks.as_slice().first().map_or(0, Vec::capacity);
        (self.chunks.len() * words * 8) as u64
    }

    pub(super) fn next(&mut self) -> Option<Chunk> {
        Some(Chunk {
            key: self.key,
            record: self.record,
            words: self.chunks.next()?,
        })
    }
}

pub(super) struct Chunk {
    key: usize,
    record: usize,
    words: Vec<u64>,
}

impl Chunk {
    pub(super) fn bytes(&self) -> u64 {
        (self.words.capacity() * 8) as u64
    }

    /// The value of a record.
    #[inline]
    pub(super) fn value(&self, record: usize) -> &[u64] {
        &self.words[record * self.record + self.key..(record + 1) * self.record]
    }

    /// Keys and values.
    pub(super) fn records(&self) -> impl Iterator<Item = (&[u64], &[u64])> {
        self.words
            .chunks_exact(self.record)
            .map(|record| record.split_at(self.key))
    }
}

/// Keys to look up together, each with what its value is to be changed by.
pub(super) struct Batch<S> {
    words: usize,
    keys: Vec<u64>,
    hashes: Vec<u32>,
    sources: Vec<S>,
    found: [u64; BATCH],
}

/// Keys a batch: what the caches closest to the processor hold.
const BATCH: usize = 64;

impl<S> Batch<S> {
    /// For keys of so many words.
    pub(super) fn new(words: usize) -> Self {
        Batch {
            words,
            keys: vec![0; words * BATCH],
            hashes: Vec::with_capacity(BATCH),
            sources: Vec::with_capacity(BATCH),
            found: [0; BATCH],
        }
    }

    /// One more key, which the caller writes. Call only when it is not full.
    #[inline]
    pub(super) fn push(&mut self, source: S, write: impl FnOnce(&mut [u64])) {
        let start = self.hashes.len() * self.words;
        let key = &mut self.keys[start..start + self.words];
        write(key);
        self.hashes.push(hash(key));
        self.sources.push(source);
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.hashes.len() == BATCH
    }
}

/// Two words a multiplication, folded; quality enough for linear probing.
#[inline]
fn hash(key: &[u64]) -> u32 {
    const A: u64 = 0x9e37_79b9_7f4a_7c15;
    const B: u64 = 0xd1b5_4a32_d192_ed03;
    let mut state = A;
    let mut pairs = key.chunks_exact(2);
    for pair in &mut pairs {
        state = fold(state ^ pair[0], pair[1] ^ B);
    }
    if let [last] = pairs.remainder() {
        state = fold(state ^ last, B);
    }
    (fold(state, A) >> 16) as u32
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}
