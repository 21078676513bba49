export const diagram = {
  title: 'diagram',
}
