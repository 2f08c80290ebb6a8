import { countText, durationText } from '../../core/words.ts';

export interface Progress {
  readonly done: number;
  /** What there is in all, as far as it is known: it may turn out to be more. */
  readonly estimated: number;
  /** Milliseconds to go; null: not known yet. */
  readonly remainingMs: number | null;
}

const WIDTH = 20;

/** `[#########...........] 45 %  240,113 of about 1,200,000 keys, 12 s left`. ASCII, which every terminal shows. */
export const progressText = ({ done, estimated, remainingMs }: Progress): string => {
  const share = estimated === 0 ? 1 : Math.min(done / estimated, 1);
  const filled = Math.floor(share * WIDTH);
  const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
  const left = remainingMs === null ? '' : `, ${durationText(remainingMs)} left`;
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `[${bar}]${percent} %  ${countText(done)} of about ${countText(Math.max(estimated, done))} keys${left}`;
};
