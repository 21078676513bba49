/** The dialog in which a task is given to somebody, or to nobody. */
import { Alert, Button, Group, Modal, Select, Stack } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call, path } from '../../api/client'
import type { TaskView as Task } from '../../api/types'
import { asProblem } from '../../api/problem'
import { assignees } from '../../api/queries'
import { useMe } from '../../app/session'
import { toast } from '../../app/toast'
import { Failure } from '../../parts/Failure'
import { useFocusBack } from '../../parts/focusBack'
import { t } from '../../texts'

/** No name is empty. */
const NOBODY = 'nobody'
const key = (name: string | null) => (name === null ? NOBODY : `user:${name}`)

export default function Assign({ task, close, became }: { task: Task; close: () => void; became?: (task: Task) => void }) {
  useFocusBack()
  const me = useMe()
  const client = useQueryClient()
  const people = useQuery(assignees(task.id))
  const [chosen, setChosen] = useState<string | null>(task.assignee === null ? null : key(task.assignee))
  const assign = useMutation({
    mutationFn: (assignee: string | null) => call<Task>('POST', path`/api/tasks/${task.id}/assign`, { body: { assignee } }),
    onSuccess: (changed, assignee) => {
      became?.(changed)
      toast({ message: assignee === null ? t.tasks.assignedNobody : t.tasks.assigned(assignee) })
      close()
    },
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ['tasks'] }), client.invalidateQueries({ queryKey: ['task', task.id] })]),
  })
  const problem = assign.isError ? asProblem(assign.error) : null
  const data = [{ value: NOBODY, label: t.tasks.assignNobody }, ...(people.data?.items ?? []).map(({ name }) => ({ value: key(name), label: name === me.name ? `${name} (${t.app.me})` : name }))]
  return (
    <Modal opened onClose={close} title={t.tasks.assignTitle(task.name)} closeButtonProps={{ 'aria-label': t.app.close }} centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (chosen !== null) assign.mutate(chosen === NOBODY ? null : chosen.slice('user:'.length))
        }}
      >
        <Stack>
          {people.isError && <Failure error={people.error} retry={() => void people.refetch()} />}
          {problem && (
            <Alert color="red" variant="light" role="alert" title={t.tasks.assignFailed}>
              {problem.status === 404 ? t.tasks.gone : problem.status === 0 ? t.app.failure.offline : problem.detail || problem.title}
            </Alert>
          )}
          <Select
            label={t.tasks.assignTo} placeholder={t.tasks.assignPlaceholder} data={people.data ? data : []} value={people.data ? chosen : null} onChange={setChosen} searchable allowDeselect={false} data-autofocus
            disabled={people.isPending} nothingFoundMessage={t.tasks.noPeople} comboboxProps={{ withinPortal: true }}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{t.app.cancel}</Button>
            <Button type="submit" loading={assign.isPending} disabled={chosen === null || chosen === key(task.assignee)}>{t.tasks.assignSubmit}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
