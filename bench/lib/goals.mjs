import { round } from './stats.mjs';

/**
 * One promise and how it came out. `figure` undefined = could not be measured here, `reason` says why.
 * @typedef {{ name: string, goal: string, figure: string | undefined, pass: boolean | undefined, reason?: string }} Line
 */

const line = (name, goal, figure, pass) => ({ name, goal, figure, pass });
const skipped = (name, goal, reason) => ({ name, goal, figure: undefined, pass: undefined, reason });

const MIN_FASTER = 3;
const MIN_RATE = 2;
const MAX_AGED = 1.2;
const MAX_CPU_S = 0.1;
const MAX_RSS_MIB = 120;
const MAX_LOOP_MS = 5;
const MAX_COLD = 2.5;
const MAX_TOOLS_BYTES = 12 * 1024;

const against = (speed, name, skips, rows) =>
  speed[name] === undefined
    ? rows.map(([label, goal]) => skipped(label, goal, skips.find((one) => one.name === name)?.reason ?? 'not measured'))
    : rows.map(([, , make]) => make(speed[name]));

/** @returns {Line[]} */
export const speedLines = (speed, skips) => {
  const { corral } = speed;
  const times = (a, b) => `${round(a / b)}x`;
  const commandsEcho = ['echo, p50, beside mcp-server-commands (no sandbox)', 'no slower'];
  const commandsRate = ['calls/s, 50 at once, beside mcp-server-commands', `>= ${MIN_RATE}x`];
  const commander = ['echo, p50, beside desktop-commander (no sandbox)', `>= ${MIN_FASTER}x faster`];
  const aged = speed['corral, 500 MB heap'];
  return [
    ...against(speed, 'mcp-server-commands', skips, [
      [
        ...commandsEcho,
        (rival) =>
          line(...commandsEcho, `${corral.p50} ms to ${rival.p50} ms, ${times(rival.p50, corral.p50)} faster`, corral.p50 <= rival.p50),
      ],
    ]),
    ...against(speed, 'desktop-commander', skips, [
      [
        ...commander,
        (rival) =>
          line(
            ...commander,
            `${corral.p50} ms to ${rival.p50} ms, ${times(rival.p50, corral.p50)} faster`,
            rival.p50 / corral.p50 >= MIN_FASTER,
          ),
      ],
    ]),
    ...against(speed, 'mcp-server-commands', skips, [
      [
        ...commandsRate,
        (rival) =>
          line(
            ...commandsRate,
            `${corral.perSecond}/s to ${rival.perSecond}/s, ${times(corral.perSecond, rival.perSecond)}`,
            corral.perSecond / rival.perSecond >= MIN_RATE,
          ),
      ],
    ]),
    line(
      'echo, p50, with a 500 MB heap in the server',
      `<= ${MAX_AGED}x`,
      `${aged.p50} ms to ${corral.p50} ms, ${times(aged.p50, corral.p50)}`,
      aged.p50 / corral.p50 <= MAX_AGED,
    ),
  ];
};

/** @returns {Line} */
export const lostLine = ({ calls, lost }) => line(`lost outputs in ${calls} calls, 50 at once`, '0', String(lost), lost === 0);

/** @returns {Line[]} */
export const outputLines = ({ bytes, kept, whole, cpuSeconds, peakRssMiB, mibPerSecond }) => {
  const size = `${round(bytes / 1024 ** 2, 0)} MiB of output`;
  return [
    line(`${size}: kept whole`, 'every byte', `${kept} of ${bytes} bytes, ${mibPerSecond} MiB/s`, whole),
    line(`${size}: CPU of the server`, `<= ${MAX_CPU_S} s`, `${cpuSeconds} s`, cpuSeconds <= MAX_CPU_S),
    line(`${size}: highest RSS of the server`, `<= ${MAX_RSS_MIB} MiB`, `${peakRssMiB} MiB`, peakRssMiB <= MAX_RSS_MIB),
  ];
};

/** @returns {Line[]} */
export const loopLines = ({ streams, matched, p50, p99, max }) => [
  line(
    `event loop delay, ${streams} executions streaming`,
    `p99 <= ${MAX_LOOP_MS} ms`,
    `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`,
    p99 <= MAX_LOOP_MS,
  ),
  line(`watches met, ${streams} executions streaming`, 'all', `${matched} of ${streams}`, matched === streams),
];

/** @returns {Line} */
export const coldLine = ({ corralMs, nodeMs }) =>
  line(
    'cold start to tools/list',
    `<= ${MAX_COLD}x node -e 0`,
    `${corralMs} ms to ${nodeMs} ms, ${round(corralMs / nodeMs)}x`,
    corralMs / nodeMs <= MAX_COLD,
  );

/** @returns {Line} */
export const toolsLine = ({ tools, toolsListBytes }) =>
  line(`tools/list, ${tools} tools`, `<= ${MAX_TOOLS_BYTES} bytes`, `${toolsListBytes} bytes`, toolsListBytes <= MAX_TOOLS_BYTES);
