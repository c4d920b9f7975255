import Glibc
import PipelineWorker

// `exit` would run handlers under the feet of a thread that is still reading or encoding.
_exit(Worker.runAsProcess())
