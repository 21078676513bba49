export const tasks = {
  title: 'tasks',
}
