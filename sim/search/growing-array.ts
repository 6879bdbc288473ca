/** Many 32-bit numbers without an object for each. */
export interface GrowingArray {
  push(value: number): void;
  at(index: number): number;
  readonly length: number;
  /** The numbers so far, in place. */
  readonly view: Int32Array;
}

export function createGrowingArray(): GrowingArray {
  let data = new Int32Array(1 << 16);
  let length = 0;
  return {
    push(value) {
      if (length === data.length) {
        const larger = new Int32Array(data.length * 2);
        larger.set(data);
        data = larger;
      }
      data[length++] = value;
    },
    at: (index) => data[index]!,
    get length() {
      return length;
    },
    get view() {
      return data.subarray(0, length);
    },
  };
}
