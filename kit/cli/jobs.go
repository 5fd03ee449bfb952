package cli

import (
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"

	"example.com/latchkey/kit/jobs"
)

func (p Program[S]) jobsCommand() *cobra.Command {
	retry := command("retry ID", "Run a job again that has failed, or that waits after an error", p.WithBackend(retryJob))
	retry.Args = cobra.ExactArgs(1)
	list := command("jobs", "List the jobs that wait, run, have failed or are unknown, the oldest first", p.WithBackend(p.listJobs))
	list.AddCommand(retry)
	return list
}

func retryJob[S any](cmd *cobra.Command, args []string, b Backend[S]) error {
	found, err := jobs.Retry(b.DB.WithContext(cmd.Context()), uuid.FromStringOrNil(args[0]))
	if err == nil && !found {
		err = fmt.Errorf("no job with the id %s has failed", args[0])
	}
	if err == nil {
		Printf(cmd.OutOrStdout(), "The job runs again as soon as a server runs.\n")
	}
	return err
}

func (p Program[S]) listJobs(cmd *cobra.Command, _ []string, b Backend[S]) error {
	out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	known := jobs.Kinds(p.Jobs(b))
	Printf(out, "ID\tKIND\tSTATE\tATTEMPTS\tNEXT\tERROR\n")
	rows, err := b.DB.WithContext(cmd.Context()).Model(&jobs.Row{}).Select("id", "kind", "run_at", "attempts", "error").Order("id").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var job jobs.Row
		if fault := b.DB.ScanRows(rows, &job); fault != nil {
			var id, kind, other any
			if err := rows.Scan(&id, &kind, &other, &other, &other); err != nil {
				return err
			}
			Printf(out, "%v\t%v\tunreadable\t-\t-\t%v\n", id, kind, fault)
			continue
		}
		state, next := job.State(b.DB.NowFunc()), "-"
		switch {
		case state == jobs.Waiting && !slices.Contains(known, job.Kind):
			state = jobs.Unknown
		case state == jobs.Waiting:
			next = job.RunAt.UTC().Format(time.RFC3339)
		}
		Printf(out, "%s\t%s\t%s\t%d\t%s\t%s\n", job.ID, job.Kind, state, job.Attempts, next, job.Error)
	}
	return errors.Join(rows.Err(), out.Flush())
}
