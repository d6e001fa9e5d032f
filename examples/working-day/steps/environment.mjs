/** First question of the day: what can be done here? */
export const lookAround = async (day) => {
  const here = await day.call('describe_environment', {});
  day.transcript.note(
    `driver ${here.driver}, network ${here.network}, ${here.languages.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
  );
  day.holds('commands run in a sandbox without network', [here.driver, here.network], ['bubblewrap', 'none']);
  return { languages: new Set(here.languages.map(({ name }) => name)), programs: new Set(here.programs) };
};
