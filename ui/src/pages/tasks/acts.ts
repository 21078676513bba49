/** Taking tasks, giving them back and handing them on. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { call, path } from '../../api/client'
import type { TaskView as Task } from '../../api/types'
import { asProblem } from '../../api/problem'
import { task as taskQuery } from '../../api/queries'
import { useMe } from '../../app/session'
import { toast } from '../../app/toast'
import { t } from '../../texts'
import type { Fate } from './looks'

type Hooks = {
  /** What the task is by now: before the server has answered (`sure` is false), and after. */
  became?: (task: Task, sure: boolean) => void
  /** It was not to be: the task is as before, or somebody else's. */
  failed?: (task: Task, fate: Fate | undefined) => void
}

export function useTaskActs({ became, failed }: Hooks = {}) {
  const client = useQueryClient()
  const me = useMe()

  const done = async (id: string) => {
    await Promise.all([client.invalidateQueries({ queryKey: ['tasks'] }), client.invalidateQueries({ queryKey: ['task', id] })])
  }

  /** Who was faster, if somebody was. */
  const fateOf = async (id: string): Promise<Fate | undefined> => {
    try {
      const now = await client.fetchQuery({ ...taskQuery(id), staleTime: 0 })
      return now.assignee === null || now.assignee === me.name ? undefined : { change: 'assigned', assignee: now.assignee }
    } catch (error) {
      if (asProblem(error).status === 404) return { change: 'completed', assignee: null }
      return undefined // whatever it is, what is said is why the claim failed
    }
  }

  const claim = useMutation({
    mutationFn: (task: Task) => call<Task>('POST', path`/api/tasks/${task.id}/claim`),
    onMutate: (task) => became?.({ ...task, assignee: me.name, allowed: { ...task.allowed, release: true } }, false),
    onSuccess: (task) => became?.(task, true),
    onError: async (error, task) => {
      const problem = asProblem(error)
      const fate = problem.status === 409 || problem.status === 404 || problem.status === 403 ? await fateOf(task.id) : undefined
      failed?.(task, fate)
      const message = fate?.assignee ? t.tasks.takenBy(fate.assignee) : fate ? t.tasks.gone : problem.status === 0 ? t.app.failure.offline : problem.detail || problem.title
      toast({ color: 'red', title: t.tasks.claimFailed, message })
    },
    onSettled: (_done, _error, task) => done(task.id),
  })

  const release = useMutation({
    mutationFn: (task: Task) => call<Task>('POST', path`/api/tasks/${task.id}/unclaim`),
    onSuccess: (task) => {
      became?.(task, true)
      toast({ message: t.tasks.released })
    },
    onError: (error) => {
      const problem = asProblem(error)
      toast({ color: 'red', title: t.tasks.releaseFailed, message: problem.status === 404 ? t.tasks.gone : problem.status === 0 ? t.app.failure.offline : problem.detail || problem.title })
    },
    onSettled: (_done, _error, task) => done(task.id),
  })

  return { claim, release }
}
