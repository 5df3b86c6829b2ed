/** The values the sliders stop at: 1, 3, 10 … as one tries them by hand. */
const decades = (from: number, to: number): number[] => {
  const out: number[] = [];
  for (let power = from; power <= to; power++) out.push(Number(`1e${power}`), Number(`3e${power}`));
  return out;
};

export const LEARNING_RATES = [...decades(-5, 0), 10];
export const PENALTIES = [0, ...decades(-5, 0)];
export const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
export const SIZES = [50, 100, 200, 300, 500, 750, 1000, 2000, 5000];
export const NOISES = Array.from({ length: 11 }, (_, i) => Number((i * 0.05).toFixed(2)));
export const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
export const DROPOUTS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
